"""Table `playbook`: every playbook that this house has used, and since when."""

from datetime import datetime

from sqlalchemy import Integer, Text, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kernel import ledger
from api.kernel.db import Base, UtcDateTime


class _PlaybookRow(Base):
    __tablename__ = "playbook"
    __table_args__ = ledger.chained()

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(Text, index=True)
    body: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


def find_current(session: Session) -> tuple[str, str] | None:
    """Return digest and text of the playbook in use; None before the first."""
    row = session.execute(
        select(_PlaybookRow.digest, _PlaybookRow.body).order_by(_PlaybookRow.number.desc()).limit(1)
    ).first()
    return None if row is None else (row.digest, row.body)


def find_body(session: Session, digest: str) -> str | None:
    """Return the text of a playbook that was in use once."""
    return session.scalar(select(_PlaybookRow.body).where(_PlaybookRow.digest == digest).limit(1))


def add_playbook(session: Session, digest: str, body: str, since: datetime) -> None:
    """Note which playbook is in use from now on; the caller lets one transaction at a time do this."""
    last = session.scalar(select(_PlaybookRow.number).order_by(_PlaybookRow.number.desc()).limit(1)) or 0
    session.execute(insert(_PlaybookRow).values(number=last + 1, digest=digest, body=body, since=since))
    ledger.note(session, _PlaybookRow, [last + 1])


def list_uses(session: Session) -> list[tuple[datetime, str, str]]:
    """Return since when which playbook (digest, text) was in use, oldest first."""
    rows = session.execute(
        select(_PlaybookRow.since, _PlaybookRow.digest, _PlaybookRow.body).order_by(_PlaybookRow.number)
    )
    return [(row.since, row.digest, row.body) for row in rows]
