"""A strap that is opened and closed on purpose does not ring until nobody looks."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.alerts.model import Alert, Channel, Event, EventKind
from api.alerts.rules.joining import TOGGLED_S, next_step
from tests.alerts.stage import make_event, make_watch, recipients_of, tells_police
from tests.factories import NOW

K = EventKind
WATCH = make_watch(people=1)
HIS_DEVICE = WATCH.wearer_devices[0]


def opened(seconds: float, kind: EventKind = K.STRAP_TAMPER, **more: Any) -> Event:
    return make_event(
        kind, **({"device_id": HIS_DEVICE, "occurred_at": NOW + timedelta(seconds=seconds)} | more)
    )


def rings(*told: Event) -> list[bool]:
    """Whether her phone rings at each of these events in turn."""
    alert: Alert | None = None
    holding: frozenset[str] = frozenset()
    rang = []
    for event in told:
        step = next_step(alert, holding, event, WATCH, event.occurred_at, UUID(int=900))
        assert step is not None
        alert, holding = step.alert, step.holding
        rang.append(any(one.channel is Channel.DEVICE for one in recipients_of(event, step, WATCH)))
    return rang


@pytest.mark.parametrize("kind", [K.STRAP_TAMPER, K.CASE_OPEN])
def test_what_flickers_rings_once(kind: EventKind) -> None:
    assert rings(*(opened(2 * i, kind) for i in range(50))) == [True, *[False] * 49]


def test_what_opens_again_later_rings_again() -> None:
    assert rings(opened(0), opened(TOGGLED_S), opened(2 * TOGGLED_S + 1)) == [True, True, True]


def test_another_act_against_the_device_rings_whatever_flickered() -> None:
    assert rings(opened(0), opened(2, K.CASE_OPEN), opened(4)) == [True, True, False]


def test_a_call_for_help_rings_each_time() -> None:
    assert rings(*(opened(i, K.SOS) for i in range(3))) == [True, True, True]


def test_the_police_are_told_the_first_of_it() -> None:
    step = next_step(None, frozenset(), opened(0), WATCH, NOW, UUID(int=900))
    assert step is not None
    assert tells_police(opened(0), step)
