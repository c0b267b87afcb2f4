"""Decisions of the pathway; every function is pure."""
