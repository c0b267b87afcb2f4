"""How she may be reached: what can be set, when a try is refused and with which words, and names."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pathways.model.contacts import (
    MAX_HOURS,
    BadSafeContact,
    ContactChannel,
    Hours,
    SafeContact,
    SafeContactDraft,
    Seen,
)
from api.pathways.rules import contacts as rules
from api.pathways.rules.names import normal_name
from tests.pathways.cases import NOW, WORDS

SAFE = SafeContact(
    pathway_id=UUID(int=1),
    version=3,
    channels=WORDS.channels,
    hours=WORDS.hours,
    time_zone=WORDS.time_zone,
    words=WORDS.words,
    code_word=WORDS.code_word,
    sign=WORDS.sign,
    set_at=NOW,
    set_by=UUID(int=3),
    not_safe_since=None,
)
SEEN = Seen(NOW, 3)
PHONE = ContactChannel.PHONE


def test_what_was_read_just_now_lets_a_try_be_made() -> None:
    assert rules.why_not(SAFE, SEEN, PHONE, NOW + timedelta(minutes=15)) is None


@pytest.mark.parametrize(
    ("safe", "seen", "channel", "later", "told"),
    [
        (None, SEEN, PHONE, 0, "agree it with her first"),
        (SAFE, None, PHONE, 0, "Read how she may be reached first"),
        (SAFE, SEEN, PHONE, 15 * 60 + 1, "counts for 15 minutes"),
        (SAFE, Seen(NOW, 2), PHONE, 0, "for that version"),
        (replace(SAFE, not_safe_since=NOW), SEEN, PHONE, 0, "wait until her fixed contact has cleared it"),
        (SAFE, SEEN, ContactChannel.APP, 0, "she named: phone, at_work"),
        (replace(SAFE, hours=(Hours((6,), 0, 1440),)), SEEN, PHONE, 0, "outside the hours"),
    ],
)
def test_a_try_is_refused_with_what_to_do(
    safe: SafeContact | None, seen: Seen | None, channel: ContactChannel, later: int, told: str
) -> None:
    assert told in (rules.why_not(safe, seen, channel, NOW + timedelta(seconds=later)) or "")


@given(st.integers(-3600, 30 * 86400), st.sampled_from(ContactChannel))
def test_while_her_sign_stands_no_try_is_ever_let_through(later: int, channel: ContactChannel) -> None:
    at = NOW + timedelta(seconds=later)
    stopped = replace(SAFE, not_safe_since=NOW)
    assert rules.why_not(stopped, Seen(at, 3), channel, at) is not None


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (replace(WORDS, channels=()), "channels"),
        (replace(WORDS, channels=(PHONE, PHONE)), "channels"),
        (replace(WORDS, hours=()), "hours"),
        (replace(WORDS, hours=WORDS.hours * (MAX_HOURS + 1)), "hours"),
        (replace(WORDS, hours=(Hours((), 0, 60),)), "hours[0]"),
        (replace(WORDS, time_zone="Europe/Atlantis"), "time_zone"),
        (replace(WORDS, code_word="🌧️ !"), "code_word"),
        (replace(WORDS, sign="blauwe  REGEN."), "sign"),
    ],
)
def test_what_nobody_could_go_by_is_refused(draft: SafeContactDraft, field: str) -> None:
    with pytest.raises(BadSafeContact) as caught:
        rules.check_safe_contact(draft)
    assert list(caught.value.fields) == [field]


def test_the_code_word_is_heard_whatever_its_case_and_accents() -> None:
    rules.check_safe_contact(WORDS)
    assert rules.is_code_word(SAFE, "blauwe régen!")
    assert not rules.is_code_word(SAFE, "blauwe")
    assert not rules.is_code_word(SAFE, "")


@pytest.mark.parametrize(
    "other", ["anna de vries", "De Vries, Anna", "anna.de-vries", "ANNA  DE VRIÉS", "vries_anna_de"]
)
def test_ways_of_writing_one_name_are_the_same(other: str) -> None:
    assert normal_name(other) == normal_name("Anna de Vries")


@pytest.mark.parametrize("other", ["Anna de Vriesen", "Anna Vries", "Ann ade Vries"])
def test_other_names_are_others(other: str) -> None:
    assert normal_name(other) != normal_name("Anna de Vries")


@pytest.mark.parametrize("nothing", ["", "…", "🌧️", " - "])
def test_what_has_no_letter_or_digit_is_no_name(nothing: str) -> None:
    assert normal_name(nothing) == ""


@given(st.text(max_size=60))
def test_the_normal_form_of_a_name_is_its_own(text: str) -> None:
    assert normal_name(normal_name(text)) == normal_name(text)
