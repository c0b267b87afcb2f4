"""Use cases of her plan: `content` reads what it offers, `documents` what her PIN opens."""
