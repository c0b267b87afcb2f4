"""Who hears of what beyond the control room."""

import pytest

from api.alerts.model import EventKind
from tests.alerts.stage import make_event, make_watch, recipients_of, tells_police
from tests.alerts.test_rules import WEARER_DEVICE, last

K = EventKind


def test_what_a_camera_saw_goes_to_the_police_and_not_to_a_device_that_he_may_hold() -> None:
    event = make_event(K.EXTERNAL_SIGHTING, reason="contradicts_device")
    step = last(event, watch=make_watch())
    assert tells_police(event, step)
    assert recipients_of(event, step, make_watch()) == []


@pytest.mark.parametrize(("reason", "is_told"), [("reaches", True), ("silent", False)])
def test_a_silence_reaches_her_and_the_police_only_when_it_may_hide_him(reason: str, is_told: bool) -> None:
    event = make_event(K.LOST_CONTACT, device_id=WEARER_DEVICE, reason=reason)
    step = last(event, watch=make_watch())
    assert tells_police(event, step) is is_told
    assert bool(recipients_of(event, step, make_watch())) is is_told
