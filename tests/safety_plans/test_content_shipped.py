"""The shipped texts: short, in the je-form, for everybody, without a promise."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kernel.config import CONTENT
from api.kernel.content import Language
from api.safety_plans.model.content import MUST_WARN, SECTIONS, PlanContent, Text
from api.safety_plans.service import load_content

SHIPPED = load_content(Path(CONTENT))
ITEMS = [item for section in SHIPPED.sections for item in section.items]
MAX_SENTENCES, MAX_WORDS = 3, 24
"""Language level B1 counts on about 15 words a sentence and at most 20 to 25; proposal."""
NUMBERS = re.compile(r"\b(112|113|0800-\d{4})\b")
OTHERS_CALL = {"wie_doet_wat", "maak_lawaai"}
"""Here it is somebody else who calls, from a phone of their own."""


def texts(content: PlanContent) -> Iterator[tuple[str, Text]]:
    yield from (("intro", content.intro), ("call_warning", content.call_warning))
    for level, meaning in enumerate(content.danger):
        yield f"danger {level}", meaning
    for screen in content.acute:
        yield screen.code, screen.title
    for section in content.sections:
        yield from ((section.code, section.title), (section.code, section.intro))
        for letter in section.letters:
            yield letter.code, letter.title
        for item in section.items:
            yield from ((item.code, item.title), (item.code, item.text))
            if item.warning:
                yield item.code, item.warning


def found(pattern: str, language: Language, but: str = "\0") -> dict[str, str]:
    """Code and words of every text in which the pattern is found; `but` is taken out of the text before."""
    seen = re.compile(pattern, re.IGNORECASE)
    matches = ((code, seen.search(text.said_in(language).replace(but, ""))) for code, text in texts(SHIPPED))
    return {code: match[0] for code, match in matches if match}


def sentences(words: str) -> list[str]:
    return [one for one in re.split(r"(?<=[.?!:;’])\s+", words) if one.strip()]


def test_all_seventeen_sections_are_there_with_their_items() -> None:
    assert [section.code for section in SHIPPED.sections] == list(SECTIONS)
    assert len(SECTIONS) == 17
    assert min(len(section.items) for section in SHIPPED.sections) >= 5


@pytest.mark.parametrize("language", Language)
def test_every_text_is_one_to_three_short_sentences(language: Language) -> None:
    long = {}
    for item in ITEMS:
        said = item.text.said_in(language)
        ends = len(re.findall(r"[.?!]’?(?=\s|$)", said))
        if not 1 <= ends <= MAX_SENTENCES:
            long[item.code] = f"{ends} sentences"
        if worst := [one for one in sentences(said) if len(one.split()) > MAX_WORDS]:
            long[item.code] = worst[0]
    assert long == {}


def test_dutch_says_je_and_not_u() -> None:
    assert found(r"\b(u|uw)\b", Language.NL) == {}


def test_nobody_is_a_he_or_a_she() -> None:
    assert found(r"\b(hij|hem|haar)\b", Language.NL) == {}
    assert found(r"\b(he|him|his|she|hers?)\b", Language.EN) == {}


def test_no_text_says_safe_and_none_calls_anybody_a_victim() -> None:
    assert found(r"veilig|beschermd|slachtoffer|dader", Language.NL, "Veilig Thuis") == {}
    assert found(r"\bsafe|\bprotected|victim|offender|perpetrator|abuser", Language.EN) == {}


def test_what_names_a_number_to_call_warns_of_the_call_log() -> None:
    naming = {code for code, text in texts(SHIPPED) if NUMBERS.search(text.nl)}
    assert {item.code for item in ITEMS if item.code in naming and not item.calls} == OTHERS_CALL


def test_both_languages_name_the_same_numbers() -> None:
    for code, text in texts(SHIPPED):
        assert sorted(NUMBERS.findall(text.nl)) == sorted(NUMBERS.findall(text.en)), code


def test_what_a_will_or_a_policy_gives_away_is_told_and_a_lawyer_is_named() -> None:
    section = SHIPPED.sections[SECTIONS.index(MUST_WARN)]
    assert [item.code for item in section.items] == [
        "levensverzekering",
        "testament",
        "volmachten",
        "gezamenlijke_rekeningen",
        "wens_tot_scheiden",
    ]
    for item in section.items:
        assert item.warning
        assert "advocaat" in item.warning.nl
        assert "lawyer" in item.warning.en
        assert item.danger >= 2


def test_the_letter_to_a_lawyer_is_switched_off() -> None:
    letters = [letter for section in SHIPPED.sections for letter in section.letters]
    assert [(letter.code, letter.is_offered) for letter in letters] == [("brief_advocaat", False)]


def test_every_item_of_leaving_is_dangerous_to_be_found() -> None:
    section = SHIPPED.sections[SECTIONS.index("vertrek")]
    assert min(item.danger for item in section.items) >= 2


def test_no_source_is_a_mark_that_only_our_notes_explain() -> None:
    assert [item.source for item in ITEMS if re.search(r"\bF\d+|\[|\bS \d", item.source)] == []
