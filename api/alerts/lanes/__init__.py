"""From the outbox through one channel: a lane claims, sends many at once, records; a breaker guards it."""
