"""The tables of the report: every act in its order, devices, rules, limits, the order as it was."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from api.alerts.model import EventKind
from api.alerts.model.playbooks import StepRun
from api.evidence.model.material import Health, Material
from api.evidence.report.canvas import Canvas
from api.evidence.report.text import day, moment
from api.evidence.rules.awaited import TITLES, call_words, entry_words, step_words
from api.evidence.rules.kinds import ATTEMPT, CALL, COMMAND, ENTRY, LOOK, STEP
from api.evidence.rules.timeline import TimeLine, timeline
from api.evidence.rules.wording import CHANNELS, RULES, doubt_words, kind_words, numbers, seconds
from api.geofence.model import Circle
from api.geofence.rules.limits import BOUNDS
from api.orders.model import Exemption, Party

_SEEN = {
    "alerts.read": "read the alert",
    "alerts.replay": "computed it again",
    "evidence.pack": "made a pack",
}


def timeline_rows(material: Material) -> Iterator[tuple[str, str, str]]:
    """Yield moment, kind and words of every line, oldest first; another day is named where it begins."""
    whose = {one.device_id: "his" if one.party is Party.WEARER else "her" for one in material.carriers}
    before = None
    awaited = {run.id: ("deadline", step_words(run)) for run in material.steps}
    awaited |= {task.id: ("call asked for", call_words(task)) for task in material.tasks}
    for line in timeline(material):
        at = moment(line.at)
        if line.at.date() != before:
            before, at = line.at.date(), day(line.at)[:-4]
        if line.what in {STEP, CALL}:
            yield (at, *awaited[line.data["id"]])
        else:
            yield (at, *_words(line, whose, material.steps))


def _words(line: TimeLine, whose: Mapping[UUID, str], steps: Sequence[StepRun]) -> tuple[str, str]:
    data = line.data
    if line.what == ENTRY and data["event"] is not None:
        return _event(line.kind, data)
    if line.what == ENTRY:
        told = entry_words(line.kind, data["detail"] or {}, steps)
        title = TITLES.get(line.kind, line.kind.replace("_", " "))
        return title, ". ".join(filter(None, [_by(data["author"]), told]))
    if line.what == LOOK:
        act = _SEEN.get(line.kind, line.kind.partition(".")[2].replace("_", " "))
        return f"act: {act}", ". ".join(filter(None, [_by(data["author"]), data["reason"]]))
    channel = CHANNELS.get(str(data["channel"]), str(data["channel"]).replace("_", " "))
    if line.what == ATTEMPT:
        said = "done" if data["succeeded"] else "failed"
        return f"attempt {said}", f"{channel}: {line.kind.replace('_', ' ')}"
    if line.what == COMMAND:
        interval = data["payload"].get("interval_s")
        wording = str(data["payload"].get("wording", "none")).replace("_", " ")
        said = f"report every {interval} s" if interval else f"{line.kind} ({wording})"
        return "command", f"to {whose.get(data['device'], 'a')} device {_short(data['device'])}: {said}"
    kind = data["payload"].get("msgType")
    return "message made", f"{channel}{f' ({kind})' if kind else ''}, now {data['state']}"


def _event(kind: str, data: Mapping[str, Any]) -> tuple[str, str]:
    event = data["event"]
    words = [kind_words(event["kind"]), numbers(event), *doubt_words(event.get("doubts", []))]
    if event.get("reason"):
        words.append(str(event["reason"]).replace("_", " "))
    if event.get("exemption_id"):
        words.append("covered by an agreed exception")
    return f"{kind}, severity {data['severity']}", "; ".join(filter(None, words))


def _by(author: UUID | None) -> str:
    return "by the system" if author is None else f"by account {_short(author)}"


def _short(one: UUID | None) -> str:
    """Return the first digits of an id: enough to tell two apart, and the files have it whole."""
    return "-" if one is None else str(one)[:8]


def write_timeline(canvas: Canvas, material: Material) -> None:
    """Write every event, message, attempt, receipt, act and command."""
    canvas.rows((32, 34, 108), ("when (UTC)", "what", ""), timeline_rows(material))


def write_bands(canvas: Canvas, material: Material) -> None:
    """Write for the defence how far apart the two were at the events that tell where both were."""
    canvas.paragraph(
        "At the events that tell where both were; the times are those of the positions.", size=8.5
    )
    rows = [(day(one.at), one.person, one.band.value) for one in material.bands]
    canvas.rows((40, 44, 90), ("when (UTC)", "the wearer and", "how far apart"), rows)


def write_health(canvas: Canvas, material: Material) -> None:
    """Write how the devices were before the alert."""
    since = moment(material.window.begin)
    until = moment(material.window.opened_at)
    said = f"From {since}, or from when it was entered who has it, until the alert opened at {until}."
    canvas.paragraph(said, size=8.5)
    head = ("device", "positions", "reports", "kept aside", "longest silence", "accuracy", "battery", "strap")
    widths = (42, 17, 17, 19, 33, 18, 14, 14)
    canvas.rows(widths, head, [_health(material, one) for one in material.health])


def _health(material: Material, one: Health) -> tuple[str, ...]:
    carrier = next(carrier for carrier in material.carriers if carrier.device_id == one.device_id)
    whose = "his" if one.party is Party.WEARER else "hers"
    strap = {None: "-", True: "closed", False: "OPEN"}[one.strap_closed]
    doubtful = f" ({one.doubtful} doubted)" if one.doubtful else ""
    return (
        f"{whose}: {carrier.kind.value.replace('_', ' ')} {_short(one.device_id)}",
        f"{one.positions}{doubtful}",
        str(one.reports),
        str(one.kept_aside),
        f"{seconds(one.longest_silence_s)} from {moment(one.silence_began)}",
        "-" if one.median_accuracy_m is None else f"{one.median_accuracy_m:.0f} m",
        "-" if one.battery_pct is None else f"{one.battery_pct} %",
        strap,
    )


def write_order(canvas: Canvas, material: Material) -> None:
    """Write what the court ordered, zones and agreed exceptions, each in its versions."""
    rows = []
    for version in material.orders:
        order = version.order
        until = day(order.valid_until)[:10] if order.valid_until else "no end yet"
        said = (
            f"Order {order.reference}, {order.court}, in force {day(order.valid_from)[:10]} to {until}; "
            f"alert distance {order.alert_radius_m:,.0f} m, warning distance {order.warning_radius_m:,.0f} m"
        )
        rows.append((day(version.since), f"{said}{'; revoked' if order.revoked_at else ''}"))
    for one in material.zones:
        zone, shape = one.zone, one.zone.shape
        size = f"circle of {shape.radius_m:,.0f} m" if isinstance(shape, Circle) else "drawn area"
        ended = f", until {day(one.until)}" if one.until else ""
        secret = ", not told to him" if zone.visibility.value == "concealed" else ""
        said = f"{zone.purpose.value.capitalize()} zone '{zone.name}' version {zone.version}: {size}"
        rows.append((day(one.since), f"{said}, warning ring {zone.buffer_m:,.0f} m{secret}{ended}"))
    rows += [(day(agreed.created_at), _agreed(agreed)) for agreed in material.exemptions]
    for seen in material.sightings:
        whom = "the wearer" if seen.party is Party.WEARER else "the protected person"
        said = f"{whom} was seen ({seen.source.value}), exact to {seen.accuracy_m:,.0f} m"
        rows.append((day(seen.seen_at), said))
    canvas.rows((40, 134), ("since (UTC)", "what"), rows)


def _agreed(agreed: Exemption) -> str:
    ended = ", ended early" if agreed.ended_at else ""
    kind = agreed.kind.value.replace("_", " ")
    return f"Agreed exception ({kind}) from {day(agreed.valid_from)} to {day(agreed.valid_until)}{ended}"


def write_rules(canvas: Canvas, material: Material) -> None:
    """Write in plain words how the kinds of events of this alert are decided."""
    told = [entry.event for entry in material.entries if entry.event is not None]
    versions = sorted({str(event.get("rule_version")) for event in told})
    canvas.paragraph(f"Judged by the rules of version {', '.join(versions) or '-'}.")
    values = {name: f"{value:g}" for name, value in msgspec.structs.asdict(material.limits).items()}
    kinds = dict.fromkeys(EventKind(event["kind"]) for event in told if event["kind"] in set(EventKind))
    for kind in kinds:
        if kind in RULES:
            canvas.paragraph(RULES[kind].format(**values))


def _limit_words(name: str) -> str:
    """Return the name of a limit without its unit, which has a column of its own."""
    for unit in ("_m_s", "_pct", "_part", "_m", "_s"):
        if name.endswith(unit):
            return name.removesuffix(unit).replace("_", " ")
    return name.replace("_", " ")


def write_limits(canvas: Canvas, material: Material) -> None:
    """Write every number that the rules used when the alert opened."""
    values = msgspec.structs.asdict(material.limits)
    own = material.own_limits[0].overrides if material.own_limits else {}
    rows = [
        (
            _limit_words(name),
            f"{value:,.10g}",
            BOUNDS[name].unit,
            "the order's own" if name in own else "the house's",
        )
        for name, value in values.items()
    ]
    canvas.rows((64, 32, 36, 42), ("limit", "value", "unit", "whose"), rows)
