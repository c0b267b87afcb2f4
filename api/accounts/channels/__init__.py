"""Ways out of the house that signing in needs."""
