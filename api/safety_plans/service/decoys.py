"""What a second PIN opens: notes that are there from the beginning, and that she makes her own."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from secrets import randbelow

from sqlalchemy.orm import Session

from api.accounts.model.entry import SlotContent
from api.kernel.content import Language, read
from api.safety_plans.model.decoys import Decoys
from api.safety_plans.model.documents import Note, NotesDocument
from api.safety_plans.rules.decoys import parse_decoys, pick
from api.safety_plans.rules.documents import dump_notes
from api.safety_plans.service import documents

FILE = "decoys.yaml"


@lru_cache(maxsize=4)
def read_decoys(content_dir: Path) -> Decoys:
    """Return the decoys of a folder of content, read once; raises SettingError when they are unusable."""
    return read(content_dir / FILE, parse_decoys)


def new_decoy(
    content_dir: Path, language: Language, chance: Callable[[int], int] = randbelow
) -> tuple[Note, ...]:
    """Return the notes that a new decoy begins with."""
    return pick(read_decoys(content_dir), language, chance)


def begin_decoy(session: Session, opened: SlotContent, content_dir: Path) -> None:
    """Put notes behind a second PIN if there are none yet; only from the real side.

    They come with the project, so whoever knows it knows them: `ops/docs/vault.md` tells her to change them.
    """
    page = documents.open_decoy(session, opened)
    if page.body is None:
        mine = documents.open_page(session, opened).body
        language = Language(mine["language"]) if mine else Language.NL
        notes = NotesDocument(new_decoy(content_dir, language))
        documents.save_decoy(session, opened, dump_notes(notes))
