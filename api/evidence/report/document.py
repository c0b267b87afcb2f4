"""The report as a whole, from the summary to how to check it."""

from api.alerts.model import Alert
from api.evidence.model.material import Material
from api.evidence.report.canvas import BREACH, GREY, WIDTH_MM, Canvas
from api.evidence.report.chart import HEIGHT_MM, draw_distances
from api.evidence.report.map import Map, legend
from api.evidence.report.tables import (
    write_bands,
    write_health,
    write_limits,
    write_order,
    write_rules,
    write_timeline,
)
from api.evidence.report.text import day, plain
from api.evidence.rules.summary import facts
from api.evidence.rules.wording import kind_words
from api.orders.model import Party

MAP_MM, OVERVIEW_MM = 88.0, 62.0
_REDUCED = (
    "Reduced for the defence. README.txt says what is left out of every report of this kind; the court "
    "can have the full one."
)
_MEANING = (
    "Severity goes from 1, the highest, to 5. Accuracy is the radius within which 68 of 100 such "
    "positions lie, by the device's own word. A distance is measured along the ground between the two "
    "positions themselves; both accuracies can make it smaller or larger. An age says how old the other "
    "party's last position was at that moment. Late means that a position reached the system more than "
    "two minutes after it was fixed; it is kept and told, and nobody is alarmed by it."
)
_CHECK = (
    "This report is one file of a signed pack. Whoever has the pack can check it without us: `python -m "
    "api verify PACK.zip --key KEY`, run from the source tree of Baken with its requirements installed, "
    "says whether one byte was changed, and where. README.txt describes how to check it by hand with "
    "OpenSSL alone, what the pack proves and what it does not. The key is published by the house that "
    "made the pack; ask for it by another way than the one by which the pack came. Everything drawn and "
    "written here comes from the other files of the pack."
)


def draw(material: Material, version: str) -> bytes:
    """Return the PDF; the same material gives the same bytes. `version` names the program."""
    alert = material.alert
    title = f"Evidence report, alert {alert.id}"
    canvas = Canvas(title, _foot(material), material.made_at, is_exercise=alert.exercise)
    canvas.set_producer(plain(version))
    _front(canvas, material)
    _drawings(canvas, material)
    canvas.heading("Everything in its order")
    write_timeline(canvas, material)
    if material.health:
        canvas.heading("The devices before the alert")
        write_health(canvas, material)
    if material.orders:
        canvas.heading("Order, zones and what was agreed")
        write_order(canvas, material)
    canvas.heading("How it was judged")
    write_rules(canvas, material)
    canvas.heading("The limits in force")
    write_limits(canvas, material)
    canvas.heading("What the words mean")
    canvas.paragraph(_MEANING)
    canvas.heading("How to check this report")
    canvas.paragraph(_CHECK)
    return bytes(canvas.output())


def _foot(material: Material) -> str:
    exercise = "EXERCISE - " if material.alert.exercise else ""
    return f"{exercise}alert {material.alert.id} - {material.variant.value} - made {day(material.made_at)}"


def _front(canvas: Canvas, material: Material) -> None:
    alert = material.alert
    canvas.set_font("helvetica", "B", 17)
    canvas.cell(WIDTH_MM, 9, "Evidence report", new_x="LMARGIN", new_y="NEXT")
    canvas.set_font("helvetica", "", 10.5)
    canvas.multi_cell(WIDTH_MM, 5.4, plain(_subtitle(material)), new_x="LMARGIN", new_y="NEXT")
    canvas.ln(1)
    if alert.exercise:
        canvas.paragraph("EXERCISE: nobody was in danger, and nothing of this happened.", colour=BREACH)
    if material.is_reduced:
        canvas.paragraph(_REDUCED, colour=GREY)
    canvas.heading(f"{kind_words(alert.kind)} - severity {alert.severity}")
    for fact in facts(material):
        canvas.answer(fact.question, fact.answers)


def _subtitle(material: Material) -> str:
    alert: Alert = material.alert
    lines = [f"Alert {alert.id}, opened {day(alert.opened_at)}"]
    if material.orders:
        order = material.orders[-1].order
        lines.append(f"Order {order.reference}, {order.court}")
        wearer = material.references.get(order.wearer_id, "-")
        people = ", ".join(material.labels.values()) or "-"
        lines.append(f"Wearer: {wearer}     Protected: {people}")
    lines.append(f"Positions and messages from {day(material.window.begin)} to {day(material.window.end)}")
    return "\n".join(lines)


def _drawings(canvas: Canvas, material: Material) -> None:
    picture = Map(canvas, material)
    canvas.room_for(MAP_MM + 24)
    canvas.heading("Where it was")
    if not picture.draw(MAP_MM, is_whole=False):
        canvas.paragraph("No position belongs to this alert.")
    else:
        has_hers = any(track.carrier.party is Party.PROTECTED for track in material.tracks) or any(
            (entry.event or {}).get("protected") for entry in material.entries
        )
        legend(canvas, has_hers=has_hers, has_zones=bool(material.zones))
        if picture.needs_whole():
            canvas.paragraph("The same with everything of the time that this report tells of:", size=8.5)
            picture.draw(OVERVIEW_MM, is_whole=True)
    people = dict.fromkeys(one.person_id for one in material.distances)
    if material.orders and people:
        for person_id in people:
            canvas.room_for(HEIGHT_MM + 40)
            canvas.heading(f"How far apart: the wearer and {material.labels.get(person_id, '-')}")
            draw_distances(canvas, material, person_id)
    elif material.bands:
        canvas.heading("How far apart")
        write_bands(canvas, material)
    elif material.orders:
        canvas.heading("How far apart")
        canvas.paragraph("No distance between two people is part of this report.")
