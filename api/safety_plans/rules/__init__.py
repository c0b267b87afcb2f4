"""Decisions about her plan: pure, `now` and chance as arguments."""
