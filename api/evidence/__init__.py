"""Evidence that leaves the house, and history that moves from one house to another."""
