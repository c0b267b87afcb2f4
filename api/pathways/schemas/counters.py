"""JSON of the counters for policy."""

from typing import Any

import marshmallow as ma

from api.kernel.http import Schema
from api.pathways.model.counters import Counters, Measure


class QuarterQuerySchema(Schema):
    """Which quarter."""

    quarter = ma.fields.String(required=True, metadata={"description": "One that is over: 2026-Q3."})


class CounterSchema(Schema):
    """One cell; `count` null is not told."""

    measure = ma.fields.Enum(Measure, by_value=True)
    step = ma.fields.String(metadata={"description": "Number of the step, or total."})
    kind = ma.fields.String(metadata={"description": "Kind of agency, or total."})
    count = ma.fields.Integer(allow_none=True)
    median_wait_minutes = ma.fields.Float(allow_none=True)


class CountersSchema(Schema):
    """All cells of a quarter."""

    quarter = ma.fields.String()
    cells = ma.fields.List(ma.fields.Nested(CounterSchema))

    @ma.pre_dump
    def _flat(self, found: Counters, **_more: object) -> dict[str, Any]:
        cells = [
            {
                "measure": measure,
                "step": step,
                "kind": kind,
                "count": number,
                "median_wait_minutes": _wait(found, measure, (step, kind)),
            }
            for measure in Measure
            for (step, kind), number in sorted(found.cells[measure].items())
        ]
        return {"quarter": f"{found.quarter.year}-Q{found.quarter.number}", "cells": cells}


def _wait(found: Counters, measure: Measure, key: tuple[str, str]) -> float | None:
    return found.waited_minutes.get(key) if measure is Measure.ACCEPTED else None
