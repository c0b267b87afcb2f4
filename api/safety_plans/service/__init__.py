"""Use cases of her plan. `documents` what her PIN opens."""
