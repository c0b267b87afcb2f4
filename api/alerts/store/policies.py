"""Table `alert_policy`: every version of what each protected person wishes; none is ever overwritten."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Integer, Text, func, insert, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.alerts.model.policies import AlertPolicy, PolicyDraft, QuietHours
from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime


class _PolicyRow(Base):
    __tablename__ = "alert_policy"
    __table_args__ = ledger.chained()

    # No foreign key: people belong to the room beside, which asks nothing of this one.
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kinds: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    quiet_begin: Mapped[str | None] = mapped_column(Text)
    quiet_until: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    rings_severity_1: Mapped[bool]
    wording: Mapped[int]
    set_by: Mapped[UUID]
    since: Mapped[datetime] = mapped_column(UtcDateTime)


def add_policy(session: Session, policy: AlertPolicy) -> None:
    """Keep a new version; the caller lets one transaction at a time number them."""
    wish = policy.wish
    session.execute(
        insert(_PolicyRow).values(
            person_id=policy.person_id,
            version=policy.version,
            kinds=None if wish.kinds is None else sorted(wish.kinds),
            quiet_begin=wish.quiet.begin if wish.quiet else None,
            quiet_until=wish.quiet.until if wish.quiet else None,
            time_zone=wish.quiet.time_zone if wish.quiet else None,
            rings_severity_1=wish.rings_severity_1,
            wording=wish.wording,
            set_by=policy.set_by,
            since=policy.since,
        )
    )
    ledger.note(session, _PolicyRow, [(policy.person_id, policy.version)])


def find_policies(session: Session, person_ids: Collection[UUID]) -> dict[UUID, AlertPolicy]:
    """Return the newest policy of each of these people who has one, in one statement."""
    if not person_ids:
        return {}
    newest = (
        select(_PolicyRow.person_id, func.max(_PolicyRow.version))
        .where(_PolicyRow.person_id.in_(person_ids))
        .group_by(_PolicyRow.person_id)
    )
    rows = session.scalars(
        select(_PolicyRow).where(tuple_(_PolicyRow.person_id, _PolicyRow.version).in_(newest))
    )
    return {row.person_id: _policy_of(row) for row in rows}


def list_policies(session: Session, person_id: UUID) -> list[AlertPolicy]:
    """Return every version of one person's policy, oldest first; for evidence."""
    rows = session.scalars(
        select(_PolicyRow).where(_PolicyRow.person_id == person_id).order_by(_PolicyRow.version)
    )
    return [_policy_of(row) for row in rows]


def _policy_of(row: _PolicyRow) -> AlertPolicy:
    quiet = None
    if row.quiet_begin is not None and row.quiet_until is not None and row.time_zone is not None:
        quiet = QuietHours(row.quiet_begin, row.quiet_until, row.time_zone)
    kinds = None if row.kinds is None else frozenset(row.kinds)
    wish = PolicyDraft(kinds, quiet, row.rings_severity_1, row.wording)
    return AlertPolicy(row.person_id, row.version, wish, row.set_by, row.since)
