"""Use cases of an auditor: what she reads is written down as well."""

import threading
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts.model.staff import AlreadyVerifying
from api.kernel import audit, ledger
from api.kernel.audit import Asked, Row
from api.kernel.ledger import Verified

_one_at_a_time = threading.Lock()


def count_acts(session: Session, asked: Asked) -> int:
    """Return how many acts there are of what is asked for."""
    return audit.count(session, asked)


def page_acts(
    session: Session, asked: Asked, first: int, limit: int, actor_id: UUID, now: datetime
) -> list[Row]:
    """Return acts, the newest first; `limit` bounds how many."""
    rows = audit.page(session, asked, first, limit)
    audit.record(session, now, actor_id, "audit.read", asked.object_id, asked.act or "")
    return rows


def verify(session: Session) -> Verified:
    """Look through the whole chain; raises AlreadyVerifying, for it keeps a core busy.

    To be given a reading session: it takes as long as the chain is, and no writer may wait for it.
    """
    if not _one_at_a_time.acquire(blocking=False):
        raise AlreadyVerifying("The chain is being looked through: wait for that.")
    try:
        return ledger.verify(session)
    finally:
        _one_at_a_time.release()


def note_verified(session: Session, found: Verified, actor_id: UUID, now: datetime) -> None:
    """Write down that somebody had the chain looked through, and how many faults there were."""
    audit.record(session, now, actor_id, "audit.verify", None, f"{len(found.faults)} faults")
