"""When an unsent message is tried again, when it is given up and when a channel counts as dead."""

from datetime import datetime, timedelta

from api.alerts.model import Channel

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 10.0
"""Doubling from the first to the last: a receiver that restarts is reached within seconds. Rarer tries would
spare nobody: while a channel is down, only one message at a time is tried (`lanes.breaker`). Proposal."""
LIFE = {
    Channel.POLICE_WEBHOOK: timedelta(hours=24),
    Channel.PERSON_STREAM: timedelta(hours=1),
    Channel.WEB_PUSH: timedelta(hours=1),
    Channel.DEVICE: timedelta(minutes=5),
    Channel.SMS: timedelta(hours=1),
}
"""How long a message is worth sending: police want it late, "turn back" an hour later confuses; proposal."""
FAILING_ATTEMPTS = 3
"""Failures of one message until staff hear that the channel is down: about 4 s of retries; proposal."""


def next_attempt_at(attempts: int, now: datetime, jitter: float) -> datetime:
    """Return when to try again after `attempts` >= 1 failures; `jitter` 0..1 spreads the herd.

    The wait is 50-100 % of the doubled one, so that it never falls below half of what backoff asks.
    """
    exponent = min(attempts - 1, 16)  # 2**16 s is far above the cap; keeps the number small
    wait_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2.0**exponent)
    return now + timedelta(seconds=wait_s * (0.5 + 0.5 * jitter))


def expires_at(channel: Channel, created_at: datetime) -> datetime:
    """Return when a message of this channel is no longer worth sending."""
    return created_at + LIFE[channel]


def is_failing(attempts: int) -> bool:
    """Say whether so many failed attempts of one message mean that its channel is down."""
    return attempts >= FAILING_ATTEMPTS
