"""JSON of her plan, in neutral words."""
