"""Makes the rows of the outbox: what is sent to whom because of an alert."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, Channel, Event
from api.alerts.model.playbooks import Playbook, Side
from api.alerts.model.policies import AlertPolicy
from api.alerts.rules.retries import expires_at
from api.alerts.rules.telling import (
    CHOSEN_TEXT,
    MsgType,
    Recipient,
    police_message,
    priority_of,
    routing_part,
)
from api.alerts.service import contacts
from api.alerts.service.contacts import Routings
from api.alerts.service.pushing import list_subscriptions
from api.alerts.store import outbox
from api.alerts.store.outbox import NewNotification
from api.kernel import ledger
from api.kernel.logs import Log
from api.orders import service as orders
from api.orders.model import Watch

MAX_REFERENCES = 50
"""A message names the latest of those before it; an alert that has more lasts for days. Proposal."""

Payload = dict[str, Any]

_log = Log("alerts")


@dataclass(frozen=True, slots=True)
class PoliceNews:
    """That the police are to hear of a line of the alert's log.

    Attributes:
        msg_type: None: ALERT for the first message of an alert, UPDATE for a later one.
        event: What the line tells, or what was last seen; None for an act of the control room.
        run_id: The step that waits for their answer.
        side: Whose place decides the stations that it is for.
    """

    seq: int
    event: Event | None
    run_id: UUID | None = None
    side: Side = Side.WEARER
    msg_type: MsgType | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything that one alert sends at one moment.

    Attributes:
        event: What is known of the two; decides stations and officers.
        recipients: Each with the run of the step that waits for its receipt.
        policies: Of the protected people among them: which neutral text each has chosen.
    """

    alert: Alert
    playbook: Playbook
    event: Event | None
    police: Sequence[PoliceNews] = ()
    recipients: Mapping[Recipient, UUID | None] = field(default_factory=dict)
    policies: Mapping[UUID, AlertPolicy] = field(default_factory=dict)


def tell(session: Session, tellings: Sequence[Telling], watches: Mapping[UUID, Watch], now: datetime) -> None:
    """Put into the outbox what these alerts send; whoever has no number is called instead."""
    if not tellings:
        return
    earlier = outbox.list_told_police(session, [one.alert.id for one in tellings if one.police])
    routings = contacts.route_alerts(session, [_wanted(one) for one in tellings], now)
    browsers = list_subscriptions(session, _pushed(tellings))
    head = ledger.head(session)
    rows: list[NewNotification] = []
    for one in tellings:
        watch = watches.get(one.alert.order_id) if one.alert.order_id else None
        mine = routings[one.alert.id]
        for news in one.police:
            known = earlier.get(one.alert.id, [])[-MAX_REFERENCES:]
            rows.append(_police(one.alert, news, watch, known, mine, f"{head.number}:{head.link}", now))
        payloads = _payloads(one, contacts.texts_of(one.alert, one.recipients, mine), browsers)
        rows += _notices(one, payloads, now)
    contacts.call_instead(
        session, [(one.alert, one.recipients, routings[one.alert.id]) for one in tellings], now
    )
    outbox.add_notifications(session, rows)


def _wanted(one: Telling) -> contacts.Wanted:
    sides = {recipient.side for recipient in one.recipients if recipient.side is not None}
    sides |= {news.side for news in one.police}
    return contacts.Wanted(one.alert.id, one.event, frozenset(sides), one.playbook.standby)


def _police(
    alert: Alert,
    news: PoliceNews,
    watch: Watch | None,
    earlier: Sequence[Mapping[str, str]],
    routings: Routings,
    chain: str,
    now: datetime,
) -> NewNotification:
    message_id = uuid.uuid4()
    msg_type = news.msg_type or (MsgType.UPDATE if earlier else MsgType.ALERT)
    routing = [routing_part(side, found) for side, found in routings.on(news.side)]
    payload = police_message(
        message_id,
        msg_type,
        news.seq,
        alert,
        news.event,
        watch,
        now,
        references=earlier,
        routing=routing,
        chain=chain,
    )
    is_act = news.event is None
    return _row(
        alert, Recipient(Channel.POLICE_WEBHOOK), message_id, payload, news.run_id, now, is_act=is_act
    )


def _pushed(tellings: Sequence[Telling]) -> set[UUID]:
    """Return whose browsers are to be told."""
    pushed = (one for telling in tellings for one in telling.recipients if one.channel is Channel.WEB_PUSH)
    return {one.person_id for one in pushed if one.person_id is not None}


def _payloads(
    one: Telling,
    texts: Mapping[Recipient, Sequence[Payload]],
    browsers: Mapping[UUID, Sequence[UUID]],
) -> dict[Recipient, Sequence[Payload]]:
    """Return what each recipient is sent; several messages where there are several browsers or officers."""
    payloads: dict[Recipient, Sequence[Payload]] = {}
    for to in one.recipients:
        if to.action:
            payloads[to] = [{"action": to.action, "wording": to.wording}]
        elif to.channel is Channel.SMS:
            payloads[to] = texts[to]
        elif to.channel is Channel.WEB_PUSH:
            hers = browsers.get(to.person_id, ()) if to.person_id else ()
            payloads[to] = [{"subscription_id": str(browser)} for browser in hers]
        else:
            payloads[to] = [{}]
    return payloads


def _notices(
    one: Telling, payloads: Mapping[Recipient, Sequence[Payload]], now: datetime
) -> Iterable[NewNotification]:
    for recipient, run_id in one.recipients.items():
        policy = None if recipient.person_id is None else one.policies.get(recipient.person_id)
        chosen = {} if policy is None else {CHOSEN_TEXT: policy.wish.wording}
        for payload in payloads[recipient]:
            yield _row(one.alert, recipient, uuid.uuid4(), payload | chosen, run_id, now, is_act=False)


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
