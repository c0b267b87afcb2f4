"""Table `document`: two sealed texts of one size for each vault, whatever is in them.

Nothing here names an account: only what a PIN opens knows whose they are.

No stamps: when she wrote last is nobody's business, and would tell which of the two is hers.
"""

from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel.db import Base


class _DocumentRow(Base):
    __tablename__ = "document"

    vault_id: Mapped[UUID] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes]
    kept: Mapped[bytes]


def find_document(session: Session, vault_id: UUID, index: int) -> tuple[bytes, bytes] | None:
    """Return a document and what is kept beside it, sealed; locked until the transaction ends."""
    row = session.scalar(
        select(_DocumentRow)
        .where(_DocumentRow.vault_id == vault_id, _DocumentRow.index == index)
        .with_for_update()
    )
    return None if row is None else (row.body, row.kept)


def add_documents(session: Session, vault_id: UUID, sealed: list[tuple[bytes, bytes]]) -> None:
    """Keep a vault's documents, in the order of their index."""
    rows = [
        {"vault_id": vault_id, "index": index, "body": body, "kept": kept}
        for index, (body, kept) in enumerate(sealed)
    ]
    session.execute(insert(_DocumentRow), rows)


def save_document(session: Session, vault_id: UUID, index: int, body: bytes, kept: bytes) -> None:
    """Keep a document and what is kept beside it."""
    session.execute(
        update(_DocumentRow)
        .where(_DocumentRow.vault_id == vault_id, _DocumentRow.index == index)
        .values(body=body, kept=kept)
    )


def delete_documents(session: Session, vault_id: UUID) -> None:
    """Delete a vault's documents."""
    session.execute(delete(_DocumentRow).where(_DocumentRow.vault_id == vault_id))
