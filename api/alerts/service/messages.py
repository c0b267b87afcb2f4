"""Makes the rows of the outbox: what is sent to whom because of an alert."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, Channel, Event
from api.alerts.rules.retries import expires_at
from api.alerts.rules.telling import MsgType, Recipient, police_message, priority_of
from api.alerts.store.outbox import NewNotification
from api.kernel import ledger
from api.kernel.logs import Log
from api.orders import service as orders
from api.orders.model import Watch

MAX_REFERENCES = 50
"""A message names the latest of those before it; an alert that has more lasts for days. Proposal."""

_log = Log("alerts")


@dataclass(frozen=True, slots=True)
class PoliceNews:
    """What the police are to hear: a line of an alert's log, and what caused it.

    Attributes:
        event: None for an act of the control room.
        run_id: The step that waits for their answer.
    """

    alert: Alert
    msg_type: MsgType
    seq: int
    event: Event | None
    run_id: UUID | None = None


def police_notifications(
    session: Session,
    news: Sequence[PoliceNews],
    watches: Mapping[UUID, Watch],
    earlier: Mapping[UUID, Sequence[Mapping[str, str]]],
    now: datetime,
) -> list[NewNotification]:
    """Return the messages to the police; `earlier` are those that they have of each alert."""
    if not news:
        return []
    head = ledger.head(session)
    chain = f"{head.number}:{head.link}"
    return [_police_notification(one, watches, earlier, chain, now) for one in news]


def _police_notification(
    news: PoliceNews,
    watches: Mapping[UUID, Watch],
    earlier: Mapping[UUID, Sequence[Mapping[str, str]]],
    chain: str,
    now: datetime,
) -> NewNotification:
    alert, message_id = news.alert, uuid.uuid4()
    watch = watches.get(alert.order_id) if alert.order_id else None
    payload = police_message(
        message_id,
        news.msg_type,
        news.seq,
        alert,
        news.event,
        watch,
        now,
        references=earlier.get(alert.id, ())[-MAX_REFERENCES:],
        chain=chain,
    )
    return _row(
        alert,
        Recipient(Channel.POLICE_WEBHOOK),
        message_id,
        payload,
        news.run_id,
        now,
        is_act=news.event is None,
    )


def notices(
    alert: Alert, recipients: Mapping[Recipient, UUID | None], now: datetime
) -> Iterable[NewNotification]:
    """Return one message per recipient, each with the run of the step that waits for its receipt."""
    for recipient, run_id in recipients.items():
        if recipient.channel in {Channel.WEB_PUSH, Channel.SMS}:
            continue
        payload: dict[str, Any] = {}
        if recipient.action:
            payload = {"action": recipient.action, "wording": recipient.wording}
        yield _row(alert, recipient, uuid.uuid4(), payload, run_id, now, is_act=False)


def _row(
    alert: Alert,
    recipient: Recipient,
    message_id: UUID,
    payload: dict[str, Any],
    run_id: UUID | None,
    now: datetime,
    *,
    is_act: bool,
) -> NewNotification:
    return NewNotification(
        id=message_id,
        alert_id=alert.id,
        channel=recipient.channel,
        person_id=recipient.person_id,
        device_id=recipient.device_id,
        payload=payload,
        priority=priority_of(alert, recipient.channel, is_act=is_act),
        created_at=now,
        expires_at=expires_at(recipient.channel, now),
        run_id=run_id,
    )


def watches_of(session: Session, order_ids: Iterable[UUID | None]) -> dict[UUID, Watch]:
    """Return the watches of these orders; one that is gone is missing, and its event still alerts."""
    wanted = {order_id for order_id in order_ids if order_id is not None}
    if not wanted:
        return {}
    watches = {watch.order.id: watch for watch in orders.list_watches(session, wanted)}
    if lost := wanted - watches.keys():
        _log.error("orders of alerts are not there", count=len(lost))
    return watches
