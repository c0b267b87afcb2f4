"""Zones, fixes and what happens between them."""
