"""What a protected person reads once she has unlocked: her last alerts, in words."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import yaml
from sqlalchemy.orm import Session

from api.alerts.model import Alert, AlertEntry, Attempt, Notification
from api.alerts.model.drills import LinkState
from api.alerts.model.her_view import HerItem, HerWords
from api.alerts.rules.her_view import Record, her_item
from api.alerts.rules.her_words import parse_words
from api.alerts.service.drilling import HeardOf, list_drills
from api.alerts.service.escalating import steps_of_alerts
from api.alerts.service.policies import Preferences, preferences_of, reaches_of
from api.alerts.store import alerts as alert_store
from api.alerts.store import attempts as attempt_store
from api.alerts.store import outbox
from api.kernel import audit
from api.kernel.config import PLAYBOOKS
from api.kernel.content import Language
from api.orders import service as orders

WORDS = PLAYBOOKS / "her-words.yaml"
SHOWN = 30
"""Items that she reads; proposal."""
LOOKED_AT = 120
"""Alerts of her orders among which they are looked for: trouble of devices, which she is not told of, is
among them. Bounds what one reading costs. Proposal."""


@dataclass(frozen=True, slots=True)
class Details:
    """What she reads.

    Attributes:
        checked_at: The start of the last test run of her chain; None when there was none.
        check: What it found; None without one.
        heard_at: When anything of a device of hers last reached us; None for never.
        shown_at: The moment that all of it tells of.
    """

    items: list[HerItem]
    preferences: Preferences
    checked_at: datetime | None
    check: LinkState | None
    heard_at: datetime | None
    shown_at: datetime


@lru_cache(maxsize=1)
def read_words() -> dict[Language, HerWords]:
    """Return the words of every language; raises BadWords when one is missing."""
    return parse_words(yaml.safe_load(WORDS.read_text(encoding="utf-8")))


def read_details(
    session: Session,
    person_id: UUID,
    account_id: UUID,
    language: Language,
    heard_of: HeardOf,
    now: datetime,
) -> Details:
    """Return her last alerts, newest first, what reaches her, and when all of it was last tested.

    The reading is an audit row, which says by which account and not of whom: behind a second PIN the person
    is another, and nobody is to read from the trail that there is one.
    """
    audit.record(session, now, account_id, "alerts.details", account_id)
    watches = orders.list_watches_of(session, [], [person_id])
    order_ids = [watch.order.id for watch in watches]
    latest = alert_store.list_latest_of_orders(session, order_ids, LOOKED_AT)
    hers = [alert for alert in latest if person_id in alert.person_ids]
    words = read_words()[language]
    items = [her_item(record, person_id, words, now) for record in _records(session, hers)]
    tests = [test for order_id in order_ids for test in list_drills(session, order_id, heard_of, now)]
    last = max(tests, key=lambda test: test.drill.started_at, default=None)
    devices = {device_id for watch in watches for device_id in dict(watch.protected).get(person_id, ())}
    return Details(
        items=[item for item in items if item][:SHOWN],
        preferences=preferences_of(session, person_id),
        checked_at=last.drill.started_at if last else None,
        check=last.state if last else None,
        heard_at=max((one.at for one in heard_of(session, devices).values()), default=None),
        shown_at=now,
    )


def _records(session: Session, alerts: Sequence[Alert]) -> list[Record]:
    """Return everything of these alerts in a few statements."""
    ids = [alert.id for alert in alerts]
    entries: defaultdict[UUID, list[AlertEntry]] = defaultdict(list)
    for entry in alert_store.list_entries_of(session, ids):
        entries[entry.alert_id].append(entry)
    messages: defaultdict[UUID, list[Notification]] = defaultdict(list)
    tries: defaultdict[UUID, list[Attempt]] = defaultdict(list)
    sent = outbox.list_of_alerts(session, ids)
    for message in sent:
        if message.alert_id is not None:
            messages[message.alert_id].append(message)
    for attempt in attempt_store.list_attempts(session, [message.id for message in sent]):
        tries[attempt.notification_id].append(attempt)
    tasks = steps_of_alerts(session, ids)[1]
    return [
        Record(
            alert=alert,
            entries=entries[alert.id],
            messages=[(message, tries[message.id]) for message in messages[alert.id]],
            tasks=tasks[alert.id],
            reaches=reaches_of(session, alert, entries[alert.id], messages[alert.id]),
        )
        for alert in alerts
    ]
