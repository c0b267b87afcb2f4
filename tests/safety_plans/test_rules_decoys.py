"""What a duress PIN opens bears being read by somebody suspicious, and no two are alike."""

import copy
import random
import re
from collections.abc import Callable
from pathlib import Path
from secrets import randbelow
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.config import CONTENT, SettingError
from api.kernel.content import Language
from api.safety_plans.model.documents import Note
from api.safety_plans.rules.decoys import pick
from api.safety_plans.service.decoys import FILE, new_decoy, read_decoys

DECOYS = read_decoys(CONTENT)
PLAIN: dict[str, Any] = yaml.safe_load((CONTENT / FILE).read_text(encoding="utf-8"))
ALL = [(one, note) for theme in DECOYS.themes for one in Language for note in theme.notes[one]]
HINTING = {
    "help, and those who give it": (
        "help hulp hotline steun support opvang shelter therap psycholo dokter doctor huisarts "
        "maatschappelijk filomena safe veilig baken 112 113 0800 slachtoffer victim"
    ),
    "the law": ("politie police aangifte advocaat lawyer rechter rechtbank judge verbod court"),
    "violence and fear": (
        "geweld violen slaan sloeg geslagen beat bruise dreig threat bang afraid scared angst wapen "
        "weapon gun knife moord murder dood dead kill stalk track spy controle gevaar danger alarm "
        "femicide terreur terror"
    ),
    "going away": (
        "escape ontsnap vlucht flee weggaan vertrek leaving verlaten scheid divorce separat voogdij "
        "custody koffer paspoort passport"
    ),
    "what makes a partner jealous": (
        "affair minnaar lover date flirt kus kiss verliefd vriend friend ex collega colleague geheim "
        "secret verberg verstop hide hidden spaar sparen saving contant cash jaloe jealous pincode "
        "wachtwoord password"
    ),
}
"""Beginnings of words."""
FOUND = re.compile(r"\b(" + "|".join(" ".join(HINTING.values()).split()) + ")", re.IGNORECASE)
DATED = re.compile(
    r"\b(19|20)\d\d\b|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|\b\d{1,2} (jan|feb|maart|march|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec)",
    re.IGNORECASE,
)
HIM_OR_HER = re.compile(r"\b(mijn man|mijn vrouw|my husband|my wife|schat|darling)\b", re.IGNORECASE)
CHANCES = st.integers(0, 2**32).map(lambda seed: random.Random(seed).randrange)


@pytest.mark.parametrize("pattern", [FOUND, DATED, HIM_OR_HER])
def test_no_note_hints_at_anything_nor_grows_old(pattern: re.Pattern[str]) -> None:
    found = {
        note.title: match[0] for _one, note in ALL if (match := pattern.search(f"{note.title} {note.text}"))
    }
    assert found == {}


@pytest.mark.parametrize(
    "planted", ["Bel hulplijn", "sparen voor later", "my friend Tom", "Secret list", "POLITIE"]
)
def test_a_planted_hint_is_found(planted: str) -> None:
    assert FOUND.search(planted)


def test_every_theme_speaks_both_languages_and_no_note_is_there_twice() -> None:
    assert len(DECOYS.themes) >= 6
    assert len({note.title + note.text for _one, note in ALL}) == len(ALL)
    for theme in DECOYS.themes:
        assert all(4 <= len(theme.notes[one]) <= 8 for one in Language)


@given(CHANCES, st.sampled_from(Language))
def test_a_decoy_has_notes_of_three_themes_in_one_language(
    chance: Callable[[int], int], language: Language
) -> None:
    notes = pick(DECOYS, language, chance)
    assert 6 <= len(notes) <= 9
    assert len(set(notes)) == len(notes)
    themes = [next(t for t in DECOYS.themes if note in t.notes[language]) for note in notes]
    assert len({theme.id for theme in themes}) == 3
    for theme in themes:
        own = [note for note in notes if note in theme.notes[language]]
        assert own == sorted(own, key=theme.notes[language].index)
        start = notes.index(own[0])
        assert list(notes[start : start + len(own)]) == own


def test_the_same_chance_gives_the_same_notes_and_another_mostly_others() -> None:
    def picked(seed: int) -> tuple[Note, ...]:
        return pick(DECOYS, Language.NL, random.Random(seed).randrange)

    assert picked(1) == picked(1)
    assert len({picked(seed) for seed in range(200)}) > 190
    assert {note for seed in range(400) for note in picked(seed)} == {
        note for one, note in ALL if one is Language.NL
    }


def test_a_new_decoy_is_picked_by_real_chance() -> None:
    assert len({new_decoy(CONTENT, Language.EN) for _ in range(20)}) > 1
    assert new_decoy(CONTENT, Language.EN, lambda _below: 0)[0] == DECOYS.themes[0].notes[Language.EN][0]
    assert randbelow(1) == 0


def _few_themes(plain: Any) -> None:
    for name in list(plain["themes"])[5:]:
        del plain["themes"][name]


def _few_notes(plain: Any) -> None:
    del plain["themes"]["gifts"]["nl"][3:]


def _many_notes(plain: Any) -> None:
    plain["themes"]["gifts"]["nl"] = [{"title": str(n), "text": "x"} for n in range(9)]


def _twice(plain: Any) -> None:
    plain["themes"]["gifts"]["nl"][1] = dict(plain["themes"]["gifts"]["nl"][0])


def _no_english(plain: Any) -> None:
    del plain["themes"]["food"]["en"]


def _no_text(plain: Any) -> None:
    del plain["themes"]["food"]["en"][0]["text"]


def _no_author(plain: Any) -> None:
    plain["author"] = ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_few_themes, "themes: give at least 6 themes"),
        (_few_notes, r"themes\.gifts\.nl: give 4 to 8 different notes"),
        (_many_notes, "give 4 to 8 different notes"),
        (_twice, "give 4 to 8 different notes"),
        (_no_english, r"themes\.food: missing \['en'\]"),
        (_no_text, r"themes\.food\.en\.0: missing \['text'\]"),
        (_no_author, "author: give a text"),
    ],
)
def test_decoys_that_would_not_be_believed_are_refused(
    change: Callable[[Any], None], said: str, tmp_path: Path
) -> None:
    plain = copy.deepcopy(PLAIN)
    change(plain)
    (tmp_path / FILE).write_text(yaml.safe_dump(plain, allow_unicode=True), encoding="utf-8")
    with pytest.raises(SettingError, match=said):
        read_decoys(tmp_path)
