"""What to do with an event: how bad, which alert, who is told, when to try again. Pure."""
