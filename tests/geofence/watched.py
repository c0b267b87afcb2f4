"""A device whose health is followed by the rules alone, message by message."""

from typing import Any
from uuid import UUID

from api.geofence.model import STATUS, WELL, DeviceReport, Fix
from api.geofence.rules.health import Finding, next_health, next_health_by_report
from api.geofence.rules.quality import Seen, Timing, see, timing_of
from tests.geofence.judged import LIMITS, fix_at, moment

DEVICE = UUID(int=1)


class Watched:
    """A device whose messages are taken one by one; keeps what was told, as `kind reason` or `-kind`."""

    def __init__(self) -> None:
        self.health = WELL
        self.seen: Seen | None = None
        self.strap_heard_at: Any = None
        self.spoke_at: Any = None
        self.told: list[str] = []

    def take(self, *messages: Fix | DeviceReport) -> list[str]:
        """Take them and return what they told."""
        begin = len(self.told)
        for said in messages:
            strap, spoke = self.strap_heard_at, self.spoke_at
            if isinstance(said, Fix):
                timing = timing_of(said, self.seen.fix.fixed_at if self.seen else None, LIMITS)
                assert timing is not Timing.PAST
                now = see(said, self.seen, LIMITS)
                self.health, told = next_health(self.health, now, self.seen, strap, spoke, timing, LIMITS)
                self.seen = now
            else:
                self.health, told = next_health_by_report(self.health, said, strap, spoke, LIMITS)
            if isinstance(said, Fix) or said.kind == STATUS:
                self.spoke_at = said.received_at
            self.strap_heard_at = strap if said.strap_closed is None else said.received_at
            self.told += [_word(finding) for finding in told]
        return self.told[begin:]


def _word(finding: Finding) -> str:
    return f"{'-' if finding.is_end else ''}{finding.kind} {finding.reason}".strip()


def walk(t_s: float, **more: Any) -> Fix:
    """A fix of somebody who walks: never twice at the same place."""
    return fix_at(t_s, t_s, **more)


def status(t_s: float, **more: Any) -> DeviceReport:
    return DeviceReport(DEVICE, moment(t_s), more.pop("kind", STATUS), **more)
