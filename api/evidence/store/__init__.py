"""Queries of evidence, one file per noun."""
