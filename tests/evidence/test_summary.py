"""What a reader sees first is said in sentences, and everything is told in its order."""

from dataclasses import replace
from uuid import UUID

from api.alerts.model import (
    Channel,
    Doubt,
    EntryKind,
    Event,
    EventKind,
    ResolveReason,
)
from api.evidence.model.material import (
    Distance,
    OrderVersion,
    Track,
)
from api.evidence.model.pack import Variant
from api.evidence.report.document import draw
from api.evidence.rules.files import files_of
from api.evidence.rules.timeline import timeline
from api.kernel.audit import Act
from api.orders.model import Party
from tests.evidence.made import (
    ALERT,
    HER,
    LaterEntry,
    answers,
    carrier,
    line,
    material,
    near_event,
    place,
    sent,
)
from tests.factories import make_order
from tests.rehearsal.house import at

# the first page


def test_the_nearest_moment_is_told_with_its_doubt() -> None:
    entries = (line(1, near_event(400.0, 1)), line(2, near_event(90.0, 2)), line(3, near_event(300.0, 3)))
    told = answers("How near", entries=entries, orders=(OrderVersion(at(0), make_order()),))
    assert "The two were 90 m apart at 12:00:02; the accuracies of both positions add up to 15 m." in told
    assert "a breach at 500 m or less" in told
    unsure = answers("How near", entries=(line(1, near_event(90.0, her_accuracy_m=None)),))
    assert unsure == "The two were 90 m apart at 12:00:00."
    assert answers("How near") == "No event of this alert tells a distance."


def test_the_smallest_distance_is_told_also_when_it_lies_between_two_events() -> None:
    entries = (line(1, near_event(144.0, 1)), line(90, near_event(190.0, 90)))
    measured = [(-900, 40.0), (1, 144.0), (31, 72.0), (90, 190.0), (700, 10.0)]
    curve = tuple(Distance(at(seconds), HER, metres, 23.0) for seconds, metres in measured)
    told = answers("How near", entries=entries, distances=curve)
    assert told == (
        "The smallest distance measured during the alert was 72 m, at 12:00:31, between the last positions "
        "of both at that moment; their accuracies add up to 23 m. "
        "By the nearest event the two were 144 m apart at 12:00:01; the accuracies of both positions add up "
        "to 15 m."
    )
    closed = answers(
        "How near", entries=entries, distances=curve[-1:], alert=replace(ALERT, resolved_at=at(600))
    )
    assert closed.startswith("The two were 144 m apart")  # what comes after the closing is not of the alert
    assert answers("How near", distances=curve) == "No event of this alert tells a distance."
    reduced = answers("How near", entries=entries, distances=curve, variant=Variant.DEFENCE)
    assert reduced.startswith("The two were 144 m apart")


def test_how_deep_he_was_in_a_zone_is_told() -> None:
    inside = Event(
        kind=EventKind.ZONE_BREACH, occurred_at=at(4), zone_id=UUID(int=9), zone_version=1, distance_m=-44.0
    )
    assert "He was 44 m inside the edge of a zone at 12:00:04." in answers(
        "How near", entries=(line(4, inside),)
    )


def test_the_way_of_the_first_position_is_told_step_by_step() -> None:
    track = Track(carrier(Party.WEARER), (place(2, received_at=at(4.5)),))
    entries = (line(1, Event(kind=EventKind.SOS, occurred_at=at(1))), line(5, near_event(100.0, 2)))
    told = answers("How late", entries=entries, tracks=(track,))
    assert told == (
        "The position behind the first event was fixed at 12:00:02, reached the system 2.5 s later and was "
        "told 0.5 s after that."
    )
    quick = Track(carrier(Party.WEARER), (place(2, received_at=at(5)),))
    assert answers("How late", entries=entries, tracks=(quick,)).endswith("3.0 s later and was told at once.")
    assert "rests on one stored position" in answers("How late", entries=entries)


def test_who_was_told_when_and_who_was_not_is_told() -> None:
    told = answers("Who was told", messages_out=(sent(1, False, True), sent(2, True), sent(3)))
    assert (
        "Message to the police: 3 made; the first at 12:00:01, delivered 2.0 s later; 1 of 3 not delivered."
        in told
    )
    told = answers("Who was told", messages_out=(sent(1, False), sent(9, True, alert_id=None)))
    assert "Message to the police: 1 made; the first at 12:00:01, not delivered (1 attempt)." in told
    assert "(0 attempts)" in answers("Who was told", messages_out=(sent(1),))


def test_what_people_did_is_told_and_what_they_did_not() -> None:
    assert "Nobody has taken it" in answers("What people did")
    done = replace(
        ALERT, acknowledged_at=at(60), resolved_at=at(9000), resolve_reason=ResolveReason.FALSE_ALARM
    )
    told = answers("What people did", alert=done, entries=(line(1, None, EntryKind.ACKNOWLEDGED),))
    assert told == (
        "Taken by an operator at 12:01:00, 60 s after it opened. "
        "Closed at 14:30:00, 2.5 h after it opened: it was a false alarm."
    )


def test_doubts_are_said_openly() -> None:
    doubted = near_event(90.0, doubts=(Doubt.COARSE, Doubt.PARTNER_STALE))
    told = answers(
        "What was doubtful", entries=(line(1, doubted), line(2, near_event(90.0, doubts=(Doubt.COARSE,))))
    )
    assert "In 2 of 2 events the position is too coarse to prove anything alone." in told
    assert "In 1 of 2 events the other party's position was old." in told
    assert "doubted none" in answers("What was doubtful")


def test_what_computing_again_came_to_is_told() -> None:
    same, other = {"verdict": "identical"}, {"verdict": "missing"}
    told = answers("Computed again", replay={"is_identical": True, "events": [same, same]})
    assert told == "Identical: all 2 events follow from the stored messages and rules."
    told = answers("Computed again", replay={"is_identical": False, "events": [same, other]})
    assert told == "NOT identical (1 identical, 1 missing); replay.json says what differs."
    assert answers("Computed again") == "Not computed again. not asked for."
    assert answers("What is missing", lacking=("The moon.",)) == "The moon."
    assert answers("What was told") == "No event is part of this alert."


# the timeline


def test_lines_of_a_kind_that_is_not_known_are_told_by_kind_and_detail() -> None:
    later = LaterEntry(1, ALERT.id, at(30), "handed_over", 1, None, None, {"to": "supervisor", "after_s": 30})
    told = material(entries=(later,), acts=(Act(at(31), None, "evidence.pack", "why"),), alert=ALERT)
    assert [(one.kind, one.data.get("detail")) for one in timeline(told)] == [
        ("handed_over", {"to": "supervisor", "after_s": 30}),
        ("evidence.pack", None),
    ]
    assert "handed over: 1" in answers("What people did", entries=(later,))
    files = files_of(told, draw(told, "test"), "test")
    assert b'"after_s":30' in files["log.jsonl"]


def test_of_one_moment_the_log_comes_before_what_it_caused() -> None:
    told = material(
        entries=(line(1, near_event(90.0, 1)),), messages_out=(sent(1, True, channel=Channel.DEVICE),)
    )
    assert [(one.what, one.kind) for one in timeline(told)] == [
        ("log", "updated"), ("command", "message"), ("attempt", "200"),
    ]  # fmt: skip
