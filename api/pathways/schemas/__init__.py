"""JSON of the pathway."""
