"""Decisions about evidence, one file per question."""
