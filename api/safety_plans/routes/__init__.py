"""URLs of her plan, behind what her PIN opens."""
