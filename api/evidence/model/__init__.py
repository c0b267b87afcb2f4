"""Nouns of evidence, one file per noun."""
