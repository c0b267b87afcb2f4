"""Text for a PDF's built-in fonts, which know the letters of western Europe and no others."""

import unicodedata
from datetime import UTC, datetime

_INSTEAD = str.maketrans(
    {"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "≤": "<=", "≥": ">=", "→": "->",
     "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "€": "EUR", "\t": " "}
)  # fmt: skip


def plain(text: str) -> str:
    """Return the text in Latin-1: letters lose accents that it lacks, `?` is what has no such letter."""
    text = text.translate(_INSTEAD)
    said = []
    for letter in text:
        if letter != "\n" and unicodedata.category(letter) in {"Cc", "Cf"}:
            continue
        if ord(letter) < 256:
            said.append(letter)
            continue
        bare = unicodedata.normalize("NFKD", letter).encode("latin-1", "ignore").decode("latin-1")
        said.append(bare or "?")
    return "".join(said)


def moment(at: datetime) -> str:
    """Return a moment of the day in UTC, to the second."""
    return f"{at.astimezone(UTC):%H:%M:%S}"


def day(at: datetime) -> str:
    """Return a day and a moment in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
