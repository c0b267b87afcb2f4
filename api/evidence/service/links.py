"""Where the rows of a pack stand in the house's own ledger."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session


def list_ledger_links(
    _session: Session, _entry_seqs: Collection[int], _notification_ids: Collection[UUID]
) -> tuple[Mapping[str, Any], ...]:
    """Return per row of the log and of the outbox its link of the ledger; none while there is no ledger."""
    return ()
