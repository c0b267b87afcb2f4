"""The table of limits for people, held against the code."""

import msgspec

from api.geofence.model import Limits
from api.geofence.rules.limits import BOUNDS, NOT_MORE_THAN, Scope
from tests.project.sources import ROOT

TEXT = (ROOT / "ops/docs/limits.md").read_text(encoding="utf-8")
MAY_DIFFER = {Scope.ORDER: "yes", Scope.DEVICE: "no: device", Scope.HOUSE: "no: house"}


def test_the_table_of_limits_says_what_the_code_does() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if "| `" in line]
    assert [row[:5] for row in rows] == [
        [
            f"`{name}`",
            f"{getattr(Limits(), name):.10g}",
            bounds.unit,
            f"{bounds.low:.10g} – {bounds.high:.10g}",
            MAY_DIFFER[bounds.scope],
        ]
        for name, bounds in BOUNDS.items()
    ]
    assert [row[0] for row in rows if not all(row) or len(row) != 7] == []


def test_every_limit_has_bounds_in_the_same_order() -> None:
    assert list(BOUNDS) == [field.name for field in msgspec.structs.fields(Limits)]


def test_the_pairs_that_may_not_contradict_each_other_are_told() -> None:
    told = [line for line in TEXT.splitlines() if line.startswith("- `") and "≤" in line]
    assert told == [f"- `{less}` ≤ `{more}`" for less, more in NOT_MORE_THAN]
