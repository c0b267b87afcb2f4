"""The project says femicide (seed point 2.1): words that hide who did what to whom are refused."""

import re
from pathlib import Path

from tests.project.sources import ROOT, texts

VEILING = (
    "gezinsdrama",
    "familiedrama",
    "relatiedrama",
    "liefdesdrama",
    "huwelijksdrama",
    "echtscheidingsdrama",
    "relationeel conflict",
    "relationeel geweld",
    "relationele sfeer",
    "relatieproblemen",
    "echtelijke ruzie",
    "uit de hand gelopen ruzie",
    "passiemoord",
    "waar twee kijven",
    "crime passionn?ell?e?",
    "crime of passion",
    "famil(y|ial) (tragedy|drama)",
    "domestic (tragedy|drama|dispute|incident|disturbance)",
    "love tragedy",
    "lovers?['’]?s? quarrel",
    "relationship (drama|tragedy|dispute|conflict)",
    "marital dispute",
    "jealous lover",
)  # fmt: skip


def test_no_shipped_text_veils_femicide() -> None:
    veiling = re.compile(r"\b(" + "|".join(VEILING).replace(" ", r"\s+") + r")\b", re.IGNORECASE)
    own = Path(__file__).relative_to(ROOT).as_posix()
    found = {
        name: match[0]
        for name, content in texts().items()
        if name != own and (match := veiling.search(content))
    }
    assert found == {}
