"""From an event to a person who answers."""
