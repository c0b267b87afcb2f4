"""Use case of the counters for policy: a quarter that is over, and no cell that points at one person."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TextIO
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.kernel import audit, clock
from api.kernel.db import transaction
from api.pathways.model.content import PathwayContent
from api.pathways.model.counters import BadQuarter, Counters, Measure
from api.pathways.rules import counters as rules
from api.pathways.service.content import pathway_content
from api.pathways.store import counters as store


def read_counters(
    session: Session, quarter: str, content: PathwayContent, actor_id: UUID | None, now: datetime
) -> Counters:
    """Return the counters of a quarter such as `2026-Q3`; the reading is an audit row. Raises BadQuarter."""
    asked = rules.parse_quarter(quarter, now)
    audit.record(session, now, actor_id, "pathways.counters", None, quarter)
    offers = store.list_offers(session, asked.since, asked.until)
    return rules.count(asked, content, offers, store.list_due_steps(session, asked.since, asked.until))


def run(engine: Engine, content_dir: Path, quarter: str, out: TextIO) -> int:
    """Print the counters of a quarter as lines; 2 when there are none of it."""
    try:
        with transaction(engine) as session:
            content = pathway_content(content_dir)
            found = read_counters(session, quarter, content, None, clock.now())
    except BadQuarter as bad:
        sys.stderr.write(f"{bad.message} {bad.fields['quarter'][0]}\n")
        return 2
    out.write("measure\tstep\tkind\tcount\tmedian wait, minutes\n")
    for measure in Measure:
        for (step, kind), number in sorted(found.cells[measure].items()):
            wait = found.waited_minutes.get((step, kind)) if measure is Measure.ACCEPTED else None
            shown = "not told" if number is None else str(number)
            out.write(f"{measure}\t{step}\t{kind}\t{shown}\t{'' if wait is None else round(wait)}\n")
    return 0
