"""Decisions of the geofence: `quality` of a fix, `presence`, `zones`, `proximity`, `contact`."""
