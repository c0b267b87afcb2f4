"""Nouns of the pathway: agencies and their people, steps, hand-offs, how she may be reached."""
