"""What a duress PIN opens before anybody has changed it."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from secrets import randbelow

from api.kernel.content import Language, read
from api.safety_plans.model.decoys import Decoys
from api.safety_plans.model.documents import Note
from api.safety_plans.rules.decoys import parse_decoys, pick

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
