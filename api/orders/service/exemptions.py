"""Use cases of exemptions: agree to one, end it early, read what was agreed."""

import uuid
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import audit
from api.kernel.db import serialise
from api.orders import rules
from api.orders.model import Exemption, ExemptionDraft, OrderRevoked
from api.orders.service.watches import REGISTER, note_change
from api.orders.store import exemptions, orders


def add_exemption(
    session: Session, order_id: UUID, draft: ExemptionDraft, actor_id: UUID | None, now: datetime
) -> Exemption:
    """Agree to an exception; running workers know of it with the next message that they take.

    Raises:
        OrderNotFound: There is no such order.
        OrderRevoked: There is nothing left to except from.
        BadExemption: It is too long, over already, or not about this order.
    """
    serialise(session, REGISTER)
    order = orders.get_order(session, order_id)
    if order.revoked_at is not None:
        raise OrderRevoked("The order was revoked: there is nothing left to except from.")
    rules.check_exemption(draft, order, now)
    exemption = Exemption(
        id=uuid.uuid4(),
        order_id=order_id,
        kind=draft.kind,
        reason=draft.reason,
        person_ids=draft.person_ids,
        zone_ids=draft.zone_ids,
        place=draft.place,
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
        created_by=actor_id,
        created_at=now,
        ended_at=None,
        ended_by=None,
    )
    exemptions.add_exemption(session, exemption)
    note_change(session, now, order_id=order_id)
    audit.record(session, now, actor_id, "orders.add_exemption", exemption.id, str(order_id))
    return exemption


def end_exemption(
    session: Session, order_id: UUID, exemption_id: UUID, actor_id: UUID | None, now: datetime
) -> Exemption:
    """End an exemption now, or call off one that has not begun; what is over stays as it is.

    Doing it again changes nothing, so that a lost answer may be asked for again. Raises ExemptionNotFound.
    """
    serialise(session, REGISTER)
    exemption = exemptions.get_exemption(session, order_id, exemption_id)
    if exemption.ended_at is not None or exemption.valid_until <= now:
        return exemption
    exemptions.save_end(session, exemption_id, now, actor_id)
    note_change(session, now, order_id=order_id)
    audit.record(session, now, actor_id, "orders.end_exemption", exemption_id, str(order_id))
    return replace(exemption, ended_at=now, ended_by=actor_id)


def list_exemptions(
    session: Session, order_id: UUID, actor_id: UUID | None, now: datetime
) -> list[Exemption]:
    """Return every exemption of an order, earliest first, those that are over included.

    They say where and when the two will meet, so the reading is an audit row. Raises OrderNotFound.
    """
    orders.get_order(session, order_id)
    audit.record(session, now, actor_id, "orders.list_exemptions", order_id)
    return exemptions.list_exemptions(session, [order_id])
