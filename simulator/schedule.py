"""What is sent when: one `Sending` per message, in seconds after the run's beginning, before any clock."""

from dataclasses import dataclass
from enum import StrEnum

from simulator.sensor import Reading


class Party(StrEnum):
    """Which side of an order a device is on."""

    WEARER = "wearer"
    PROTECTED = "protected"


class Lane(StrEnum):
    """The last part of a topic."""

    POSITION = ""
    ALARM = "alarm"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Sending:
    """One message.

    Attributes:
        at_s: When it is published, real seconds after the beginning.
        stamp_s: What the device's clock says, whole seconds after the same beginning.
        story_s: The same moment in story time.
        party: In whose name.
        by: Whose log-in is used; another party's only for an impostor.
        reading: The position; None for an alarm or a status without one and for raw bytes.
        alarm: Kind of the alarm; empty for a position.
        raw: Bytes sent as they are (malformed messages).
        plain: Sent unsealed though the device seals.
        strap_closed: What a position says of the strap; None without a strap.
        genuine: The device truly was where it says: false for outliers and forgeries.
        backlog: Stored in the device and sent later.
        raw_tst: A recording's own Unix second, sent instead of `stamp_s`.
        name: Which protected person, where a story has several; empty for the only one and the wearer.
        battery_pct: What the device says of its battery, 0..100.
        mock: The device admits that an application made the position up.
        moving: What the device's motion sensor says; None when it says nothing.
    """

    at_s: float
    stamp_s: int
    story_s: float
    party: Party
    seq: int
    by: Party
    reading: Reading | None = None
    alarm: str = ""
    raw: bytes = b""
    plain: bool = False
    strap_closed: bool | None = None
    genuine: bool = True
    backlog: bool = False
    raw_tst: int | None = None
    name: str = ""
    battery_pct: int | None = None
    mock: bool = False
    moving: bool | None = None

    @property
    def whose(self) -> str:
        """Return the name of the device in whose name it speaks, unique within a story."""
        return self.name or self.party.value

    @property
    def lane(self) -> Lane:
        """Return the lane: alarms never queue behind positions."""
        return Lane.ALARM if self.alarm else Lane.POSITION
