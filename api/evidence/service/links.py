"""Where the rows of a pack stand in the house's own ledger."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import ledger


def list_ledger_links(
    session: Session, alert_id: UUID, entry_seqs: Collection[int], notification_seqs: Collection[int]
) -> tuple[Mapping[str, Any], ...]:
    """Return the links of the alert, of its log and of its messages, oldest first, and the newest of all."""
    rows: dict[str, Collection[Any]] = {
        "alert": [alert_id],
        "alert_entry": entry_seqs,
        "notification": notification_seqs,
    }
    links = [link for table, keys in rows.items() for link in ledger.links_of(session, table, keys)]
    told = [dataclasses.asdict(link) for link in sorted(links, key=lambda link: link.number)]
    return (*told, {"head": dataclasses.asdict(ledger.head(session))})
