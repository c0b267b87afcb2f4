"""URLs of the pathway."""
