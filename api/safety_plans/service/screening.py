"""The list of red flags, read from its file, and what answers to it come to. No answer is kept anywhere."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from api.kernel import audit
from api.kernel.config import SettingError
from api.kernel.content import read
from api.pathways.service.directory import read_directory
from api.safety_plans.model.screening import OWN_WAYS, Answers, Asker, RedFlags, Screening
from api.safety_plans.rules.red_flags import parse_red_flags
from api.safety_plans.rules.screening import screen

FILE = "red-flags.yaml"


@lru_cache(maxsize=4)
def read_red_flags(content_dir: Path) -> RedFlags:
    """Return the list of a folder of content, read once; raises SettingError when unusable."""
    return read(content_dir / FILE, parse_red_flags)


def check_ways(content_dir: Path) -> None:
    """Refuse a list that sends somebody to an address that the directory does not have.

    Raises:
        SettingError: It does, or one of the two files is unusable.
    """
    known = {*OWN_WAYS, *(entry.id for entry in read_directory(content_dir).entries)}
    for concern, outcomes in read_red_flags(content_dir).outcomes.items():
        for asker, outcome in outcomes.items():
            if lost := sorted({way.to for way in outcome.ways} - known):
                raise SettingError(
                    f"{content_dir / FILE}: outcomes.{concern}.{asker} leads to {lost[0]}, which is not in "
                    "the directory: name an entry of directory.yaml."
                )


def screen_herself(content_dir: Path, answers: Answers) -> tuple[RedFlags, Screening]:
    """Return what her answers come to; neither they nor that she asked leave a trace.

    Raises:
        UnknownCode: An answer names nothing on the list.
    """
    flags = read_red_flags(content_dir)
    return flags, screen(flags, answers)


def screen_for_staff(
    session: Session, content_dir: Path, asker: Asker, answers: Answers, actor_id: UUID, now: datetime
) -> tuple[RedFlags, Screening]:
    """Return what answers come to; the audit trail keeps that the list was used and for which asker, no more.

    Raises:
        UnknownCode: An answer names nothing on the list.
    """
    found = screen_herself(content_dir, answers)
    audit.record(session, now, actor_id, "safety_plans.red_flags", None, asker.value)
    return found
