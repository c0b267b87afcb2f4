import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.rules.texting import MAX_CHARACTERS, SmsText, sms_text
from api.alerts.service.contacts import TEXT_KEY

PAYLOAD: dict[str, Any] = {"text_key": "alert_waits", "reference": "1a2b3c4d", "recipient_id": "x"}


def test_a_text_says_that_something_waits_and_nothing_else() -> None:
    assert sms_text(PAYLOAD, "en") == "Baken: alert 1a2b3c4d waits at the control room."
    said = sms_text(PAYLOAD | {"severity": 1}, "en")
    assert said == "Baken: alert 1a2b3c4d (severity 1) waits at the control room."
    said = sms_text(PAYLOAD | {"severity": 2}, "nl")
    assert said == "Baken: melding 1a2b3c4d (ernst 2) wacht in de meldkamer."


def test_an_exercise_says_so_before_anything_else() -> None:
    assert sms_text(PAYLOAD | {"exercise": True}, "en").startswith("EXERCISE. Baken")
    assert sms_text(PAYLOAD | {"exercise": True}, "nl").startswith("OEFENING. Baken")
    assert sms_text(PAYLOAD | {"exercise": False}, "en").startswith("Baken")


def test_what_the_outbox_holds_can_be_said() -> None:
    assert TEXT_KEY in set(SmsText)


def test_the_payloads_own_language_wins() -> None:
    assert "meldkamer" in sms_text(PAYLOAD | {"language": "nl"}, "en")


@given(
    st.sampled_from(SmsText),
    st.sampled_from(["en", "nl"]),
    st.none() | st.integers(1, 5),
    st.booleans(),
    st.from_regex("[0-9a-f]{8}", fullmatch=True),
)
def test_every_text_fits_one_sms_and_tells_only_its_reference(
    key: SmsText, language: str, severity: int | None, exercise: bool, reference: str
) -> None:
    payload = {"text_key": key, "reference": reference, "severity": severity, "exercise": exercise}
    said = sms_text(payload, language)
    assert len(said) <= MAX_CHARACTERS
    assert said.isascii()
    assert reference in said
    told = re.findall(r"\d+", said.replace(reference, ""))
    assert told in ([], [str(severity)])


@pytest.mark.parametrize("reference", ["", "Anna", "1a2b3c4", "1a2b3c4d5", "1A2B3C4D", "52.0,4.5", None])
def test_nothing_but_a_part_of_an_id_gets_into_a_text(reference: object) -> None:
    with pytest.raises(ValueError, match="8 hexadecimal digits"):
        sms_text(PAYLOAD | {"reference": reference}, "en")
