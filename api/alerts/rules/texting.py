"""What staff read on a telephone: no person, no place, nothing but that something waits."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

MAX_CHARACTERS = 160
"""One SMS in the GSM alphabet."""


class SmsText(StrEnum):
    """Which text an SMS says; the payload's `text_key`."""

    WAITS = "alert_waits"
    UNANSWERED = "alert_unanswered"
    SYSTEM = "system"


_TEXTS = {
    "en": {
        SmsText.WAITS: "Baken: alert {reference}{severity} waits at the control room.",
        SmsText.UNANSWERED: "Baken: nobody has answered alert {reference}{severity}. Go to the control room.",
        SmsText.SYSTEM: "Baken: monitoring itself is impaired, alert {reference}. Go to the control room.",
    },
    "nl": {
        SmsText.WAITS: "Baken: melding {reference}{severity} wacht in de meldkamer.",
        SmsText.UNANSWERED: "Baken: melding {reference}{severity} is onbeantwoord. Ga naar de meldkamer.",
        SmsText.SYSTEM: "Baken: de bewaking zelf werkt niet goed, melding {reference}. Ga naar de meldkamer.",
    },
}
_EXERCISE = {"en": "EXERCISE. ", "nl": "OEFENING. "}
_SEVERITY = {"en": " (severity {})", "nl": " (ernst {})"}


def sms_text(payload: Mapping[str, Any], language: str) -> str:
    """Return the words of an SMS, at most 160 characters.

    Args:
        payload: `text_key` (`SmsText`), `reference` (8 hexadecimal digits of the alert's id), and if wanted
            `severity` 1..5, `exercise` and `language`.
        language: `en` or `nl`, of the house; the payload's own wins.

    Raises:
        ValueError: The reference is something else: a name or a place could stand in it.
    """
    reference = str(payload["reference"])
    if not re.fullmatch("[0-9a-f]{8}", reference):
        raise ValueError("the reference of an SMS is 8 hexadecimal digits of the alert's id")
    spoken = str(payload.get("language") or language)
    severity = payload.get("severity")
    told = "" if severity is None else _SEVERITY[spoken].format(int(severity))
    begin = _EXERCISE[spoken] if payload.get("exercise") else ""
    return begin + _TEXTS[spoken][SmsText(payload["text_key"])].format(reference=reference, severity=told)
