"""JSON of her plan."""
