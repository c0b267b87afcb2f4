"""When an alert is closed those protected people who were told of it are told that there is more to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, Channel
from api.alerts.model.policies import AlertPolicy, Decider
from api.alerts.rules.policies import withheld_by
from api.alerts.rules.telling import Recipient
from api.alerts.service import playbooks
from api.alerts.service.policies import policies_of, withheld_json
from api.alerts.store import alerts as alert_store
from api.alerts.store import outbox

_QUIETLY = (Channel.PERSON_STREAM, Channel.WEB_PUSH)
"""No device: what is over does not ring and does not vibrate."""


@dataclass(frozen=True, slots=True)
class Afterwards:
    """Who is told of the end, in which words, and what the log says of whom it did not reach."""

    recipients: Mapping[Recipient, None] = field(default_factory=dict)
    policies: Mapping[UUID, AlertPolicy] = field(default_factory=dict)
    detail: dict[str, Any] | None = None


def whom_to_tell(session: Session, alert: Alert, now: datetime) -> Afterwards:
    """Return one more neutral message for each person who was told, by the ways that she was told.

    Who was told by her device alone gets it on her stream. Her policy counts as it is now; whoever is not
    reached reads the same when she looks by herself.
    """
    told: dict[Recipient, UUID] = {}
    for one in outbox.list_of_alerts(session, [alert.id]):
        if one.person_id is not None:
            channel = one.channel if one.channel in _QUIETLY else Channel.PERSON_STREAM
            told[Recipient(channel, one.person_id)] = one.person_id
    if not told:
        return Afterwards()
    playbook, policies = playbooks.current(session), policies_of(session, told)
    kinds = {entry.event["kind"] for entry in alert_store.list_entries(session, alert.id) if entry.event}
    withheld: dict[UUID, Decider] = {}
    reached: dict[Recipient, None] = {}
    for recipient, person_id in told.items():
        deciders = [
            withheld_by(policies.get(person_id), playbook.her, kind, alert.severity, now)
            for kind in sorted(kinds)
        ]
        if None in deciders:
            reached[recipient] = None
        elif (by := deciders[0]) is not None:  # always so here; every alert has an event
            withheld[person_id] = by
    return Afterwards(reached, policies, withheld_json(withheld, policies, playbook))
