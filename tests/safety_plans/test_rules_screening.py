"""Which class answers come to: the laws that hold for every set of answers, and the list's own thresholds."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.config import CONTENT
from api.safety_plans.model.screening import (
    CHANGES,
    CORE,
    RISING,
    Answer,
    Change,
    Concern,
    ReaskReason,
    Reply,
    UnknownCode,
)
from api.safety_plans.rules.screening import borg_refusal, reask_due, screen
from api.safety_plans.service.screening import read_red_flags
from tests.conftest import NOW

FLAGS = read_red_flags(CONTENT)
CODES = [item.code for item in FLAGS.items]
YES, NO = Answer(Reply.YES, is_recent=False, is_increasing=False), Answer(Reply.NO)
NOW_YES = Answer(Reply.YES, is_recent=True, is_increasing=False)
UNKNOWN, WONT_SAY = Answer(Reply.UNKNOWN), Answer(Reply.WONT_SAY)
DETAIL = st.sampled_from([None, True, False])
ANSWER = st.one_of(
    st.builds(Answer, st.just(Reply.YES), DETAIL, DETAIL), st.sampled_from([NO, UNKNOWN, WONT_SAY])
)
KIND = st.sampled_from(sorted(CHANGES))
MOMENT = st.datetimes(timezones=st.just(NOW.tzinfo))
ANSWERS = st.dictionaries(st.sampled_from(CODES), ANSWER)


def height(answers: dict[str, Answer]) -> int:
    return RISING.index(screen(FLAGS, answers).concern)


@given(ANSWERS, st.sampled_from(CODES), ANSWER, st.sampled_from([UNKNOWN, WONT_SAY]))
def test_what_is_not_known_never_gives_a_lower_class_than_any_other_answer(
    answers: dict[str, Answer], code: str, other: Answer, doubt: Answer
) -> None:
    assert height(answers | {code: doubt}) >= height(answers | {code: other})
    assert height(answers | {code: doubt}) >= height({c: a for c, a in answers.items() if c != code})


@given(ANSWERS, ANSWERS, st.sampled_from([UNKNOWN, WONT_SAY]))
def test_doubt_about_several_never_gives_a_lower_class_than_what_is_said_of_them(
    answers: dict[str, Answer], others: dict[str, Answer], doubt: Answer
) -> None:
    assert height(answers | dict.fromkeys(others, doubt)) >= height(answers | others)


@given(ANSWERS, st.sampled_from(CODES), st.builds(Answer, st.just(Reply.YES), DETAIL, DETAIL))
def test_a_yes_more_never_lowers_the_class(answers: dict[str, Answer], code: str, yes: Answer) -> None:
    without = {c: a for c, a in answers.items() if c != code}
    assert height(without | {code: yes}) >= height(without | {code: NO}) == height(without)


@given(ANSWERS, st.sampled_from(CODES), st.booleans())
def test_recent_and_increasing_never_lower_the_class_and_not_said_is_not_less(
    answers: dict[str, Answer], code: str, detail: bool
) -> None:
    yes = Answer(Reply.YES, detail, detail)
    assert height(answers | {code: replace(yes, is_recent=None)}) >= height(answers | {code: yes})
    assert height(answers | {code: replace(yes, is_increasing=None)}) >= height(answers | {code: yes})
    assert height(answers | {code: replace(yes, is_recent=True)}) >= height(answers | {code: yes})
    assert height(answers | {code: replace(yes, is_increasing=True)}) >= height(answers | {code: yes})


@given(ANSWERS, st.sampled_from(sorted(FLAGS.fear)))
def test_own_fear_raises_at_least_one_class(answers: dict[str, Answer], fear: str) -> None:
    calm = {code: answer for code, answer in answers.items() if code not in FLAGS.fear}
    assert height(calm | {fear: YES}) >= min(height(calm) + 1, len(RISING) - 1)


@given(ANSWERS)
def test_every_answer_is_named_once_and_a_yes_always_comes_to_something(answers: dict[str, Answer]) -> None:
    found = screen(FLAGS, answers)
    named = [*found.ticked, *found.not_known, *found.not_answered]
    assert len(named) == len(set(named))
    assert set(CODES) - set(named) == {code for code, answer in answers.items() if answer == NO}
    if found.ticked or found.not_known:
        assert found.concern is not Concern.NOTHING_TICKED
    if not found.not_known and all(
        None not in (answer.is_recent, answer.is_increasing)
        for answer in answers.values()
        if answer.reply is Reply.YES
    ):
        assert not found.from_unknown


@pytest.mark.parametrize("code", CORE)
def test_any_core_flag_by_itself_is_at_least_serious(code: str) -> None:
    assert height({code: YES}) >= RISING.index(Concern.SERIOUS_SIGNS)


@pytest.mark.parametrize(
    ("answers", "concern"),
    [
        ({}, Concern.NOTHING_TICKED),
        (dict.fromkeys(CODES, NO), Concern.NOTHING_TICKED),
        ({"K02": YES}, Concern.SIGNS),
        ({"V1": YES, "K09": YES}, Concern.SIGNS),
        ({"V7": YES}, Concern.SIGNS),
        ({"V7": YES, "K04": YES}, Concern.SERIOUS_SIGNS),
        ({"K01": YES}, Concern.SERIOUS_SIGNS),
        ({"RV01": NOW_YES}, Concern.SERIOUS_SIGNS),
        ({"RV02": YES}, Concern.SERIOUS_SIGNS),
        ({"RV02": NOW_YES}, Concern.ACUTE_DANGER),
        ({"RV03": NOW_YES}, Concern.ACUTE_DANGER),
        ({"RV08": NOW_YES}, Concern.ACUTE_DANGER),
        ({"RV08": Answer(Reply.YES)}, Concern.ACUTE_DANGER),
        ({"RV09": YES}, Concern.ACUTE_DANGER),
        ({"RV11": YES}, Concern.SERIOUS_SIGNS),
        ({"RV11": YES, "K01": YES}, Concern.ACUTE_DANGER),
        ({"RV04": Answer(Reply.YES, False, True), "K01": YES}, Concern.ACUTE_DANGER),
        ({"RV04": YES, "K01": YES}, Concern.SERIOUS_SIGNS),
        ({"RV04": Answer(Reply.YES, False, True), "RV11": YES, "K01": YES}, Concern.ACUTE_DANGER),
        ({"RV04": YES, "V7": YES}, Concern.ACUTE_DANGER),
        ({"RV09": YES, "V7": YES}, Concern.ACUTE_DANGER),
    ],
)
def test_the_list_comes_to_the_class_that_it_names(answers: dict[str, Answer], concern: Concern) -> None:
    assert screen(FLAGS, answers).concern is concern


def test_a_class_that_rests_on_what_is_not_known_says_so() -> None:
    assert screen(FLAGS, {"RV08": UNKNOWN}).from_unknown
    assert screen(FLAGS, {"RV08": Answer(Reply.YES)}).from_unknown
    assert not screen(FLAGS, {"RV08": NOW_YES, "RV01": UNKNOWN}).from_unknown


def test_what_was_ticked_comes_in_the_order_of_the_list() -> None:
    found = screen(FLAGS, {"K02": YES, "RV04": YES, "V3": YES, "RV01": WONT_SAY})
    assert found.ticked == ("V3", "RV04", "K02")
    assert found.not_known == ("RV01",)
    assert len(found.not_answered) == len(CODES) - 4


def test_an_answer_to_nothing_on_the_list_is_refused() -> None:
    with pytest.raises(UnknownCode):
        screen(FLAGS, {"RV12": YES})


def test_borg_is_refused_while_any_core_flag_is_ticked_not_known_or_not_asked() -> None:
    none_of_it = dict.fromkeys(CORE, NO)
    assert borg_refusal(none_of_it | {"K02": YES, "V7": UNKNOWN}) is None
    assert borg_refusal({}) is not None
    for code in CORE:
        for answer in (YES, UNKNOWN, WONT_SAY):
            said = borg_refusal(none_of_it | {code: answer})
            assert said is not None
            assert code in said
        assert borg_refusal({c: a for c, a in none_of_it.items() if c != code}) is not None


def test_who_was_never_asked_is_due() -> None:
    assert reask_due(None, [], NOW, 90) == (ReaskReason.FIRST,)


@pytest.mark.parametrize("kind", sorted(CHANGES))
def test_the_list_is_due_after_a_change_and_not_before_it(kind: ReaskReason) -> None:
    day = timedelta(days=1)
    asked = NOW - 10 * day
    assert reask_due(asked, [Change(kind, NOW - day)], NOW, 90) == (kind,)
    assert reask_due(asked, [Change(kind, asked)], NOW, 90) == (kind,)
    assert reask_due(asked, [Change(kind, NOW)], NOW, 90) == (kind,)
    assert reask_due(asked, [Change(kind, NOW + day)], NOW, 90) == ()
    assert reask_due(asked, [Change(kind, asked - day)], NOW, 90) == ()


def test_the_list_is_due_after_its_days_and_names_every_reason() -> None:
    asked = NOW - timedelta(days=90)
    changes = [Change(ReaskReason.COURT_DATE, NOW), Change(ReaskReason.SEPARATION, NOW)]
    assert reask_due(asked, changes, NOW, 90) == (
        ReaskReason.SEPARATION,
        ReaskReason.COURT_DATE,
        ReaskReason.TIME,
    )
    assert reask_due(asked + timedelta(seconds=1), [], NOW, 90) == ()


@given(st.lists(st.builds(Change, KIND, MOMENT)), st.integers(0, 400), st.integers(0, 400))
def test_what_is_due_stays_due_until_the_list_is_filled_in(
    changes: list[Change], days: int, later: int
) -> None:
    asked = NOW - timedelta(days=days)
    assert set(reask_due(asked, changes, NOW, 90)) <= set(
        reask_due(asked, changes, NOW + timedelta(days=later), 90)
    )


def test_what_does_not_happen_to_anybody_is_no_change() -> None:
    with pytest.raises(ValueError, match="a change is"):
        reask_due(NOW, [Change(ReaskReason.TIME, NOW)], NOW, 90)
