"""Table `push_subscription`: where her browsers are reached; address and secret are encrypted."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.alerts.model.subscriptions import Subscription
from api.kernel.crypto import ColumnCipher, Undecipherable
from api.kernel.db import Base, UtcDateTime, server_key


class _SubscriptionRow(Base):
    __tablename__ = "push_subscription"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    endpoint_sealed: Mapped[bytes]
    p256dh: Mapped[bytes]
    auth_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def save_subscription(
    session: Session, row_id: UUID, person_id: UUID, subscription: Subscription, now: datetime
) -> None:
    """Keep a subscription, new or renewed under its id."""
    endpoint, auth = _ciphers(session)
    session.merge(
        _SubscriptionRow(
            id=row_id,
            person_id=person_id,
            endpoint_sealed=endpoint.seal(row_id, subscription.endpoint.encode()),
            p256dh=subscription.point,
            auth_sealed=auth.seal(row_id, subscription.auth),
            created_at=now,
            gone_at=None,
        )
    )
    session.flush()


def list_live(session: Session, person_id: UUID) -> list[tuple[UUID, Subscription | None]]:
    """Return the subscriptions of one person that still stand, oldest first; None: it cannot be read."""
    rows = session.scalars(
        select(_SubscriptionRow)
        .where(_SubscriptionRow.person_id == person_id, _SubscriptionRow.gone_at.is_(None))
        .order_by(_SubscriptionRow.created_at, _SubscriptionRow.id)
    )
    return [(row.id, _opened_if_readable(session, row)) for row in rows]


def list_live_ids(session: Session, person_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Return (person, subscription) of everything that still stands, oldest first."""
    rows = session.execute(
        select(_SubscriptionRow.person_id, _SubscriptionRow.id)
        .where(_SubscriptionRow.person_id.in_(person_ids), _SubscriptionRow.gone_at.is_(None))
        .order_by(_SubscriptionRow.created_at, _SubscriptionRow.id)
    )
    return [(person_id, row_id) for person_id, row_id in rows]


def list_by_ids(session: Session, ids: Collection[UUID]) -> dict[UUID, Subscription]:
    """Return those of these subscriptions that still stand; raises Undecipherable when one cannot be read."""
    rows = session.scalars(
        select(_SubscriptionRow).where(_SubscriptionRow.id.in_(ids), _SubscriptionRow.gone_at.is_(None))
    )
    return {row.id: _opened(session, row) for row in rows}


def mark_gone(session: Session, ids: Collection[UUID], now: datetime) -> None:
    """Note that these subscriptions no longer stand."""
    session.execute(
        update(_SubscriptionRow)
        .where(_SubscriptionRow.id.in_(ids), _SubscriptionRow.gone_at.is_(None))
        .values(gone_at=now)
    )


def _opened(session: Session, row: _SubscriptionRow) -> Subscription:
    endpoint, auth = _ciphers(session)
    address = endpoint.unseal(row.id, row.endpoint_sealed).decode()
    return Subscription(address, row.p256dh, auth.unseal(row.id, row.auth_sealed))


def _opened_if_readable(session: Session, row: _SubscriptionRow) -> Subscription | None:
    try:
        return _opened(session, row)
    except Undecipherable:
        return None


def _ciphers(session: Session) -> tuple[ColumnCipher, ColumnCipher]:
    key = server_key(session)
    return ColumnCipher(key, "push_subscription.endpoint"), ColumnCipher(key, "push_subscription.auth")
