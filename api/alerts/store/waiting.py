"""What of the outbox has not gone out: counted, never changed."""

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from api.alerts.model import Channel
from api.alerts.store.outbox import _PENDING_WORD, _NotificationRow


def count_pending(session: Session) -> dict[Channel, tuple[int, datetime]]:
    """Return per channel how many messages wait, and since when the oldest does."""
    statement = (
        select(_NotificationRow.channel, func.count(), func.min(_NotificationRow.created_at))
        .where(_NotificationRow.state == _PENDING_WORD)
        .group_by(_NotificationRow.channel)
    )
    return {Channel(channel): (count, oldest) for channel, count, oldest in session.execute(statement)}


def has_failing(session: Session, channel: Channel, at_least: int, now: datetime) -> bool:
    """Say whether a message of this channel still waits after `at_least` tries that failed."""
    statement = exists().where(
        _NotificationRow.channel == channel.value,
        _NotificationRow.state == _PENDING_WORD,
        _NotificationRow.attempts >= at_least,
        _NotificationRow.expires_at > now,
    )
    return bool(session.scalar(select(statement)))
