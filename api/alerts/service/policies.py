"""Her policy: what reaches her, set by herself alone; and what an alert's log says that did not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Alert, AlertEntry, Notification
from api.alerts.model.playbooks import Playbook
from api.alerts.model.policies import AlertPolicy, Decider, PolicyDraft, Reach
from api.alerts.rules.policies import check_policy, is_to_her, offered_kinds
from api.alerts.rules.telling import Recipient
from api.alerts.service import playbooks
from api.alerts.store import policies as store
from api.kernel import audit
from api.kernel.db import serialise
from api.orders import service as orders
from api.orders.model import PersonNotFound

NOTHING_SET = PolicyDraft(kinds=None, quiet=None, rings_severity_1=True, wording=0)
"""What counts for her until she says otherwise: the playbook's default, at all hours."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What reaches one person, and what she can choose from.

    Attributes:
        policy: None while she has set nothing.
        offered: The kinds of which the playbook can tell her at all.
        default: Those that reach her without a choice of hers.
        decided_by: The authority that answers for the default, by name.
    """

    person_id: UUID
    policy: AlertPolicy | None
    offered: frozenset[str]
    default: frozenset[str]
    decided_by: str

    @property
    def wish(self) -> PolicyDraft:
        """What counts now."""
        return NOTHING_SET if self.policy is None else self.policy.wish


def policies_of(session: Session, recipients: Iterable[Recipient]) -> dict[UUID, AlertPolicy]:
    """Return the policies of all protected people among the recipients, in one statement."""
    people = {one.person_id for one in recipients if one.person_id is not None and is_to_her(one)}
    return store.find_policies(session, people)


def withheld_json(
    withheld: Mapping[UUID, Decider], policies: Mapping[UUID, AlertPolicy], playbook: Playbook
) -> dict[str, Any] | None:
    """Return what a line of the log says of whom something did not reach; None when it reached everybody."""
    if not withheld:
        return None
    people = [
        {
            "person_id": str(person_id),
            "by": by.value,
            "version": policies[person_id].version if by is Decider.HER else None,
        }
        for person_id, by in withheld.items()
    ]
    return {"withheld": people, "default_of": playbook.digest}


def reaches_of(
    session: Session, alert: Alert, entries: Sequence[AlertEntry], messages: Sequence[Notification]
) -> list[Reach]:
    """Return per person of an alert whether she was told and, if not, by whose decision."""
    told = {one.person_id for one in messages}
    kept_back: dict[UUID, tuple[dict[str, Any], str]] = {}
    for entry in entries:
        detail = entry.detail or {}
        for one in detail.get("withheld", ()):
            kept_back[UUID(one["person_id"])] = one, detail["default_of"]
    return [
        _reach(session, person_id, kept_back.get(person_id), is_told=person_id in told)
        for person_id in alert.person_ids
    ]


def _reach(
    session: Session, person_id: UUID, kept_back: tuple[dict[str, Any], str] | None, *, is_told: bool
) -> Reach:
    if is_told or kept_back is None:
        return Reach(person_id, is_told, None, None, None)
    one, digest = kept_back
    by = Decider(one["by"])
    authority = playbooks.by_digest(session, digest).her.decided_by if by is Decider.DEFAULT else None
    return Reach(person_id, is_told, by, authority, one["version"])


def preferences_of(session: Session, person_id: UUID) -> Preferences:
    """Return what reaches her; who reads it for staff is noted by `read_preferences`."""
    playbook = playbooks.current(session)
    return Preferences(
        person_id=person_id,
        policy=store.find_policies(session, [person_id]).get(person_id),
        offered=offered_kinds(playbook),
        default=playbook.her.kinds & offered_kinds(playbook),
        decided_by=playbook.her.decided_by,
    )


def read_preferences(session: Session, person_id: UUID, actor_id: UUID, now: datetime) -> Preferences:
    """Return what reaches her, for staff: an audit row. Nobody but herself can change it.

    Raises:
        PersonNotFound: There is no such person.
    """
    if not orders.is_person(session, person_id):
        raise PersonNotFound("There is no such person.")
    audit.record(session, now, actor_id, "alerts.policy_read", person_id)
    return preferences_of(session, person_id)


def set_preferences(
    session: Session, person_id: UUID, wish: PolicyDraft, account_id: UUID, now: datetime
) -> Preferences:
    """Let this count from now on; what counted before stays readable.

    Raises:
        BadPolicy: It cannot be kept as it is; nothing has changed.
    """
    check_policy(wish, offered_kinds(playbooks.current(session)))
    serialise(session, "alert_policy")
    known = store.find_policies(session, [person_id]).get(person_id)
    version = 1 if known is None else known.version + 1
    store.add_policy(session, AlertPolicy(person_id, version, wish, account_id, now))
    audit.record(session, now, account_id, "alerts.policy_set", account_id)
    return preferences_of(session, person_id)


def pretend_preferences(session: Session, wish: PolicyDraft, account_id: UUID, now: datetime) -> Preferences:
    """Answer as `set_preferences` does and keep nothing: asked for from behind a second PIN."""
    check_policy(wish, offered_kinds(playbooks.current(session)))
    audit.record(session, now, account_id, "alerts.policy_set", account_id)
    told = AlertPolicy(account_id, 1, wish, account_id, now)
    return replace(preferences_of(session, account_id), policy=told)


def list_policies(session: Session, person_id: UUID) -> list[AlertPolicy]:
    """Return every version of one person's policy, oldest first; for evidence."""
    return store.list_policies(session, person_id)
