"""What fits whom: an answer that is not known leaves nothing out."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.config import CONTENT
from api.safety_plans.model.content import Depth, Item, Section, Tailoring, Wish
from api.safety_plans.rules.content import parse_content
from api.safety_plans.rules.tailoring import fits, sections_for
from api.safety_plans.service import load_content
from tests.safety_plans.made import item_of, plain_files, plain_item, section_of

SHIPPED = load_content(Path(CONTENT))
YES_NO_UNKNOWN = st.sampled_from((True, False, None))
TAILORINGS = st.builds(
    Tailoring,
    wants=st.sampled_from((*Wish, None)),
    **{field.name: YES_NO_UNKNOWN for field in fields(Tailoring) if field.name != "wants"},
)


def codes(sections: tuple[Section, ...]) -> list[str]:
    return [item.code for section in sections for item in section.items]


def item(**when: Any) -> Item:
    files = plain_files()
    item_of(files, "kinderen")["when"] = when
    (found,) = [one for one in parse_content(files).sections if one.code == "kinderen"]
    return found.items[0]


@pytest.mark.parametrize(
    ("when", "said", "is_shown"),
    [
        ({"children": True}, {"children": True}, True),
        ({"children": True}, {"children": False}, False),
        ({"children": True}, {}, True),
        ({"lives_together": False}, {"lives_together": True}, False),
        ({"wants": ["leaving", "unsure"]}, {"wants": Wish.STAYING}, False),
        ({"wants": ["leaving", "unsure"]}, {"wants": Wish.UNSURE}, True),
        ({"wants": ["leaving"]}, {}, True),
        ({"children": True, "pets": True}, {"children": True, "pets": False}, False),
        ({"children": True, "pets": True}, {"children": True}, True),
    ],
)
def test_an_item_is_left_out_only_when_an_answer_speaks_against_it(
    when: dict[str, Any], said: dict[str, Any], is_shown: bool
) -> None:
    assert fits(item(**when), Tailoring(**said)) is is_shown


def test_who_has_said_nothing_is_shown_everything() -> None:
    every = [item.code for section in SHIPPED.sections for item in section.items]
    assert codes(sections_for(SHIPPED, Tailoring(), Depth.FULL)) == every


def test_a_section_without_a_fitting_item_is_left_out() -> None:
    shown = {section.code for section in sections_for(SHIPPED, Tailoring(pets=False), Depth.FULL)}
    assert {section.code for section in SHIPPED.sections} - shown == {"huisdieren"}


def test_the_short_way_has_at_most_seven_screens_and_leaves_out_what_does_not_fit() -> None:
    everything = sections_for(SHIPPED, Tailoring(), Depth.ACUTE)
    assert len(everything) == 7
    fewer = sections_for(SHIPPED, Tailoring(children=False, pregnant=False), Depth.ACUTE)
    assert set(codes(everything)) - set(codes(fewer)) == {"vertrek_kinderen", "zwanger_nakijken"}


def test_a_letter_that_no_lawyer_has_checked_is_not_offered() -> None:
    files = plain_files()
    letter = plain_item("a_letter") | {"checked_by": None, "checked_on": None}
    letter = {name: letter[name] for name in ("code", "title", "text", "checked_by", "checked_on", "source")}
    checked = letter | {"code": "b_letter", "checked_by": "a lawyer", "checked_on": "2026-02-03"}
    section_of(files, "geld")["letters"] = [letter, checked]
    shown = sections_for(parse_content(files), Tailoring(), Depth.FULL)
    assert [one.code for section in shown for one in section.letters] == ["b_letter"]


@given(TAILORINGS, st.sampled_from([field.name for field in fields(Tailoring)]))
def test_to_forget_an_answer_never_hides_anything(tailoring: Tailoring, name: str) -> None:
    before = codes(sections_for(SHIPPED, tailoring, Depth.FULL))
    after = codes(sections_for(SHIPPED, replace(tailoring, **{name: None}), Depth.FULL))
    assert set(before) <= set(after)


@given(TAILORINGS)
def test_whatever_she_answers_the_first_screen_leads_to_112(tailoring: Tailoring) -> None:
    assert sections_for(SHIPPED, tailoring, Depth.ACUTE)[0].items[0].code == "bel_112"
    assert len(sections_for(SHIPPED, tailoring, Depth.FULL)) >= 15
