"""Where things are on the ellipsoid and how far from zones; no decisions, no shapely on the hot path."""
