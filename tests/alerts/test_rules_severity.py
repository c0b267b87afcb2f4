"""Each kind has the severity of the taxonomy (field/monitoring.md section 8b)."""

from typing import Any
from uuid import UUID

import pytest

from api.alerts.model import Doubt, EventKind, Mover
from api.alerts.rules.joining import severity_of
from tests.alerts.stage import make_event

K = EventKind


@pytest.mark.parametrize(
    ("kind", "more", "severity"),
    [
        (K.SOS, {}, 1),
        (K.SOS, {"live": False}, 1),
        (K.ZONE_BREACH, {}, 1),
        (K.ZONE_BREACH, {"doubts": (Doubt.COARSE,)}, 2),
        (K.ZONE_BREACH, {"live": False}, 3),
        (K.PROXIMITY_BREACH, {}, 1),
        (K.PROXIMITY_BREACH, {"doubts": (Doubt.PARTNER_STALE,)}, 2),
        (K.PROXIMITY_RF, {}, 1),
        (K.ZONE_TRANSIT, {"doubts": (Doubt.BETWEEN_FIXES,)}, 2),
        (K.ZONE_BUFFER, {}, 3),
        (K.PROXIMITY_WARNING, {}, 3),
        (K.STRAP_TAMPER, {"live": False}, 1),
        (K.CASE_OPEN, {}, 1),
        (K.SEPARATION, {}, 2),
        (K.JAM_SHIELD, {}, 2),
        (K.POWER_OFF, {}, 2),
        (K.PROTECTED_DEVICE_DEGRADED, {"person_id": UUID(int=100), "reason": "power_off"}, 3),
        (K.LOST_CONTACT, {}, 3),
        (K.LOST_CONTACT, {"reason": "reaches"}, 2),
        (K.PROXIMITY_BREACH, {"mover": Mover.TRAFFIC}, 2),
        (K.PROXIMITY_BREACH, {"mover": Mover.BOTH}, 1),
        (K.CLOSING_FAST, {}, 2),
        (K.PROTECTED_APPROACHES, {}, 2),
        (K.BOUNDARY_LOITER, {}, 3),
        (K.EXTERNAL_SIGHTING, {}, 1),
        (K.INCLUSION_BREACH, {}, 3),
        (K.BORDER_APPROACH, {}, 3),
        (K.PAIRING_LOST, {}, 2),
        (K.IMPLAUSIBLE_POSITION, {}, 2),
        (K.NO_FIX_MOTION, {}, 3),
        (K.POSITION_FROZEN, {}, 3),
        (K.BATTERY_LOW, {}, 4),
        (K.BATTERY_CRITICAL, {}, 3),
        (K.PROTECTED_DEVICE_DEGRADED, {"person_id": UUID(int=100), "reason": "silent"}, 3),
        (K.STATUS_CONFLICT, {}, 4),
        (K.CONDITION_ENDED, {"reason": "pairing_lost"}, 5),
        (K.PROXIMITY_BREACH, {"exemption_id": UUID(int=7)}, 4),
        (K.SOS, {"exemption_id": UUID(int=7)}, 1),
        (K.STRAP_TAMPER, {"exemption_id": UUID(int=7)}, 1),
        (K.DEVICE_ALARM, {}, 2),
        (K.LATE_DATA_BREACH, {"live": False}, 3),
        (K.SYSTEM_DEGRADED, {}, 1),
        (K.ZONE_LEFT, {}, 5),
        (K.CONTACT_RESTORED, {}, 5),
    ],
)
def test_severity_follows_the_taxonomy(kind: EventKind, more: dict[str, Any], severity: int) -> None:
    assert severity_of(make_event(kind, **more)) == severity
