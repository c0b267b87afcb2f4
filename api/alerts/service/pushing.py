"""Her browsers: which of them want to be told by Web Push."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.alerts.model import Notification
from api.alerts.model.subscriptions import Subscription
from api.alerts.store import push as push_store
from api.alerts.wire.push import BadSubscription, read_subscription, url_base64
from api.kernel import audit
from api.kernel.crypto import derive_p256, point_of
from api.kernel.errors import Invalid, NotFound

MOST_SUBSCRIPTIONS = 8
"""Of one person: her browsers and those she no longer has; the oldest makes room. Proposal."""
VAPID = "vapid"
"""Purpose of the derived key by which push services know us."""


class UnusableSubscription(Invalid):
    """The browser's address or keys cannot be used; the sentence is read on the neutral host."""


class SubscriptionNotFound(NotFound):
    """There is no such subscription of this person; the sentence is read on the neutral host."""


def public_key(server_key: bytes) -> str:
    """Return the key that a browser subscribes with, as Web Push writes it."""
    return url_base64(point_of(derive_p256(server_key, VAPID)))


def subscribe(
    session: Session,
    person_id: UUID,
    endpoint: str,
    p256dh: str,
    auth: str,
    hosts: tuple[str, ...],
    now: datetime,
) -> UUID:
    """Keep a browser of hers and return its id; the same browser again keeps its id.

    Raises:
        UnusableSubscription: The address is none that we call, or the keys are none.
    """
    try:
        subscription = read_subscription(endpoint, p256dh, auth, hosts)
    except BadSubscription as error:
        raise UnusableSubscription(str(error)) from None
    live = push_store.list_live(session, person_id)
    known = [row_id for row_id, kept in live if kept and kept.endpoint == endpoint]
    row_id = known[0] if known else uuid.uuid4()
    if not known and len(live) >= MOST_SUBSCRIPTIONS:
        push_store.mark_gone(session, [live[0][0]], now)
    push_store.save_subscription(session, row_id, person_id, subscription, now)
    audit.record(session, now, None, "alerts.subscribed", person_id)
    return row_id


def unsubscribe(session: Session, person_id: UUID, row_id: UUID, now: datetime) -> None:
    """Forget a browser of hers; raises SubscriptionNotFound for anybody else's."""
    if row_id not in {live for live, _kept in push_store.list_live(session, person_id)}:
        raise SubscriptionNotFound("Not found.")
    push_store.mark_gone(session, [row_id], now)
    audit.record(session, now, None, "alerts.unsubscribed", person_id)


def list_subscriptions(session: Session, person_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Return the subscriptions that stand, per person who has any, oldest first."""
    found: dict[UUID, tuple[UUID, ...]] = {}
    for person_id, row_id in push_store.list_live_ids(session, person_ids):
        found[person_id] = (*found.get(person_id, ()), row_id)
    return found


def subscriptions_of(session: Session, messages: Sequence[Notification]) -> dict[UUID, Subscription]:
    """Return where each message goes, by the message's id; one whose browser is gone is missing.

    Raises Undecipherable when one of them cannot be read: ask for each alone then.
    """
    wanted = {one.id: UUID(one.payload["subscription_id"]) for one in messages}
    live = push_store.list_by_ids(session, set(wanted.values()))
    return {message_id: live[row_id] for message_id, row_id in wanted.items() if row_id in live}
