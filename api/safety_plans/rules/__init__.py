"""Decisions about her plan; pure."""
