"""The protected person's discreet plan; so far only the cover that her messages come from."""
