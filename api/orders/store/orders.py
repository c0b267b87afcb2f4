"""Tables and queries of protective orders and of whom each protects."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Select, Text, delete, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base, UtcDateTime
from api.orders.model import OrderNotFound, ProtectiveOrder
from api.orders.store import batches
from api.orders.store.versions import add_version, columns_of


class _OrderRow(Base):
    __tablename__ = "protective_order"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    court: Mapped[str] = mapped_column(Text)
    wearer_id: Mapped[UUID] = mapped_column(ForeignKey("wearer.id"), index=True)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    alert_radius_m: Mapped[float]
    warning_radius_m: Mapped[float]
    exercise: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class _OrderPersonRow(Base):
    __tablename__ = "order_person"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("protective_order.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("protected_person.id"), primary_key=True, index=True)
    position: Mapped[int]


def add_order(session: Session, order: ProtectiveOrder, now: datetime) -> None:
    """Keep a new order; the caller has checked reference and people."""
    session.execute(insert(_OrderRow).values(id=order.id, created_at=now, **columns_of(order)))
    _add_people(session, order)
    add_version(session, order, now)


def save_order(session: Session, order: ProtectiveOrder, now: datetime) -> None:
    """Keep an order that has changed; what it said before stays readable (`versions`)."""
    add_version(session, order, now)
    session.execute(update(_OrderRow).where(_OrderRow.id == order.id).values(**columns_of(order)))
    session.execute(delete(_OrderPersonRow).where(_OrderPersonRow.order_id == order.id))
    _add_people(session, order)


def get_order(session: Session, order_id: UUID) -> ProtectiveOrder:
    """Return one order; raises OrderNotFound."""
    orders = list_orders(session, [order_id])
    if not orders:
        raise OrderNotFound("There is no such order.")
    return orders[0]


def find_order_id(session: Session, reference: str) -> UUID | None:
    """Return which order has this reference."""
    return session.scalar(select(_OrderRow.id).where(_OrderRow.reference == reference))


def list_orders(session: Session, order_ids: Collection[UUID] | None = None) -> list[ProtectiveOrder]:
    """Return every order, or those of these ids that exist, by reference."""
    if order_ids is None:
        return _load(session, None)
    orders: list[ProtectiveOrder] = []
    for batch in batches(order_ids):
        orders += _load(session, select(_OrderRow.id).where(_OrderRow.id.in_(batch)))
    return sorted(orders, key=lambda order: order.reference)


def list_orders_of(
    session: Session, wearer_ids: Collection[UUID], person_ids: Collection[UUID]
) -> list[ProtectiveOrder]:
    """Return the orders in which any of a few people has a part."""
    protects = select(_OrderPersonRow.order_id).where(_OrderPersonRow.person_id.in_(person_ids))
    chosen = select(_OrderRow.id).where(or_(_OrderRow.wearer_id.in_(wearer_ids), _OrderRow.id.in_(protects)))
    return _load(session, chosen)


def count_orders(session: Session) -> int:
    """Return how many orders there are."""
    return session.scalar(select(func.count()).select_from(_OrderRow)) or 0


def list_added_since(session: Session, since: datetime) -> list[UUID]:
    """Return which orders were kept at this moment or later."""
    return list(session.scalars(select(_OrderRow.id).where(_OrderRow.created_at >= since)))


def page_orders(session: Session, first: int, limit: int) -> list[ProtectiveOrder]:
    """Return part of all orders by reference, from the `first`-th (0 = first)."""
    return _load(session, select(_OrderRow.id).order_by(_OrderRow.reference).offset(first).limit(limit))


def _load(session: Session, chosen: Select[UUID] | None) -> list[ProtectiveOrder]:
    """Return orders in two statements, however many they are: rows first, then whom they protect."""
    # Columns, not mapped objects: at 100,000 orders the identity map would cost more than the query.
    table = _OrderRow.__table__
    rows = select(table).order_by(table.c.reference)
    people = select(_OrderPersonRow.order_id, _OrderPersonRow.person_id).order_by(_OrderPersonRow.position)
    if chosen is not None:
        rows = rows.where(table.c.id.in_(chosen))
        people = people.where(_OrderPersonRow.order_id.in_(chosen))
    protected: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for order_id, person_id in session.execute(people):
        protected[order_id].append(person_id)
    return [
        ProtectiveOrder(
            row.id,
            row.reference,
            row.court,
            row.wearer_id,
            tuple(protected[row.id]),
            row.valid_from,
            row.valid_until,
            row.revoked_at,
            row.alert_radius_m,
            row.warning_radius_m,
            row.exercise,
        )
        for row in session.execute(rows)
    ]


def _add_people(session: Session, order: ProtectiveOrder) -> None:
    people = enumerate(order.protected_person_ids)
    rows = [{"order_id": order.id, "person_id": person_id, "position": n} for n, person_id in people]
    session.execute(insert(_OrderPersonRow), rows)
