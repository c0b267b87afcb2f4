from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from simulator import report, verdicts
from simulator.exercise import Exercise, OrderDraft
from simulator.listen import Arrival
from simulator.plan import Plan
from simulator.schedule import Party, Sending
from simulator.sensor import Reading
from simulator.stories import Expectation, Must, Zone
from simulator.truth import due
from simulator.verdicts import Evidence, Outcome, Row, Sighted
from simulator.wire import DeviceAccess
from simulator.world import Circle, Place, destination

CENTER = Place(51.9, 4.5)
ZONE = Zone("home", Circle(CENTER, 100), 100, "declared")
DRAFT = OrderDraft("t", 150, 300, (ZONE,), ())
BEGIN_TST = 1_790_000_000
BEGIN_S = 50.0


def sending(
    second: int, away_m: float, *, late_s: float = 0.0, party: Party = Party.WEARER, **more: Any
) -> Sending:
    place = destination(CENTER, 90, away_m)
    reading = Reading(second, place, place, 5.0, 0.0, 0.0)
    return Sending(second + late_s, second, second, party, second, party, reading, **more)


APPROACH = Plan(tuple(sending(second, 395 - 50 * second) for second in range(8)), 7.0)
BUFFER_AT, ZONE_AT = 4, 6


def event(kind: str, at_s: float, fix: int, **more: Any) -> Sighted:
    reading = APPROACH.sendings[fix].reading
    assert reading is not None
    values: dict[str, Any] = {
        "at_s": BEGIN_S + at_s,
        "kind": kind,
        "party": Party.WEARER,
        "zone": "home",
        "alert_id": "a",
        "repeat": False,
        "fix_tst": BEGIN_TST + fix,
        "place": reading.place,
        "is_grave": True,
    }
    return Sighted(**(values | more))


def judge(expect: Expectation, *events: Sighted, plan: Plan = APPROACH, **more: Any) -> list[Row]:
    values: dict[str, Any] = {"messages": (), "commands": 0} | more
    published = tuple(BEGIN_S + s.at_s for s in plan.sendings)
    return verdicts.judge(
        expect, (DRAFT,), plan, 1.0, Evidence(BEGIN_S, BEGIN_TST, published, events, **values)
    )


MUST_BREACH = Expectation(must=(Must("zone_breach"),))


def test_due_is_the_first_message_that_shows_it() -> None:
    assert due(Must("zone_buffer"), DRAFT, APPROACH) == APPROACH.sendings[BUFFER_AT]
    assert due(Must("zone_breach"), DRAFT, APPROACH) == APPROACH.sendings[ZONE_AT]
    assert due(Must("zone_breach", zone="elsewhere"), DRAFT, APPROACH) is None
    assert due(Must("zone_left"), DRAFT, APPROACH) is None


def test_late_positions_are_due_as_late_only() -> None:
    plan = Plan((sending(0, 0, late_s=200),), 200.0)
    assert due(Must("zone_breach"), DRAFT, plan) is None
    assert due(Must("late_data_breach"), DRAFT, plan) == plan.sendings[0]


def test_a_zone_between_two_positions_is_due_at_the_second() -> None:
    plan = Plan((sending(0, 500), sending(60, -500)), 60.0)
    assert due(Must("zone_breach"), DRAFT, plan) is None
    assert due(Must("zone_transit"), DRAFT, plan) == plan.sendings[1]
    assert due(Must("zone_transit"), DRAFT, Plan((sending(0, 500), sending(60, 300)), 60.0)) is None


def test_proximity_is_due_when_both_are_known_to_be_near() -> None:
    plan = Plan((sending(0, 200), sending(1, 0, party=Party.PROTECTED), sending(2, 100)), 2.0)
    assert due(Must("proximity_warning"), DRAFT, plan) == plan.sendings[1]
    assert due(Must("proximity_breach"), DRAFT, plan) == plan.sendings[2]


def test_an_alarm_is_due_when_it_is_sent_and_by_whom() -> None:
    plan = Plan((sending(0, 900), sending(1, 900, party=Party.PROTECTED, alarm="sos")), 1.0)
    assert due(Must("sos"), DRAFT, plan) == plan.sendings[1]
    assert due(Must("sos", party=Party.WEARER), DRAFT, plan) is None


def test_seen_in_time_is_seen_with_both_delays() -> None:
    row = judge(MUST_BREACH, event("zone_breach", ZONE_AT + 0.25, ZONE_AT))[0]
    assert (row.outcome, row.delay_s, row.fix_delay_s) == (Outcome.SEEN, 0.25, 0.25)


def test_a_later_confirmation_counts_from_the_first_message_inside() -> None:
    row = judge(MUST_BREACH, event("zone_breach", ZONE_AT + 1.25, ZONE_AT + 1))[0]
    assert (row.delay_s, row.fix_delay_s) == (1.25, 0.25)


def test_nothing_seen_is_missed_and_too_late_is_late() -> None:
    assert judge(MUST_BREACH)[0].outcome is Outcome.MISSED
    assert judge(MUST_BREACH, event("zone_breach", ZONE_AT + 5.5, ZONE_AT))[0].outcome is Outcome.LATE
    by = Expectation(must=(Must("zone_breach", within_s=60, by_s=7),))
    assert judge(by, event("zone_breach", 9, ZONE_AT))[0].outcome is Outcome.LATE


def test_another_kind_party_or_zone_is_not_what_was_asked_for() -> None:
    assert judge(MUST_BREACH, event("zone_buffer", ZONE_AT, ZONE_AT))[0].outcome is Outcome.MISSED
    hers = Expectation(must=(Must("zone_breach", party=Party.PROTECTED),))
    assert judge(hers, event("zone_breach", ZONE_AT, ZONE_AT))[0].outcome is Outcome.MISSED


def test_what_must_not_come_is_false_when_it_comes() -> None:
    quiet = Expectation(must_not=frozenset({"sos", "any"}))
    assert [row.outcome for row in judge(quiet)] == [Outcome.QUIET, Outcome.QUIET]
    rows = judge(quiet, event("zone_buffer", 4, BUFFER_AT))
    assert {row.expected: row.outcome for row in rows} == {
        "no event at all": Outcome.FALSE,
        "no sos": Outcome.QUIET,
    }


def test_at_most_counts_what_is_not_a_repeat() -> None:
    once = Expectation(must_not=frozenset({"sos"}), at_most=(("zone_breach", 1),))
    first, still = event("zone_breach", 6, 6), event("zone_breach", 7, 7, repeat=True)
    assert judge(once, first, still)[1].outcome is Outcome.SEEN
    assert judge(once, first, event("zone_breach", 7, 7))[1].outcome is Outcome.FALSE


def test_her_stream_must_hear_in_time() -> None:
    hers = Expectation(must=(Must("zone_breach", person=True),))
    seen = event("zone_breach", ZONE_AT + 0.1, ZONE_AT)
    row = judge(hers, seen, messages=(BEGIN_S + ZONE_AT + 0.3,))[0]
    assert row.outcome is Outcome.SEEN
    assert row.person_delay_s == pytest.approx(0.3)
    assert judge(hers, seen)[0].outcome is Outcome.MISSED
    assert judge(hers, seen, messages=(BEGIN_S + ZONE_AT + 30,))[0].outcome is Outcome.MISSED


def test_a_breach_from_well_outside_is_false_even_if_one_had_to_come() -> None:
    rows = judge(MUST_BREACH, event("zone_breach", 1.1, 1), event("zone_breach", 6.1, 6))
    assert [row.outcome for row in rows].count(Outcome.FALSE) == 1
    assert "truly 245 m outside" in rows[-1].note


def test_an_event_that_rests_on_a_forgery_is_false() -> None:
    forged = sending(1, 0, plain=True, genuine=False)
    plan = Plan((*APPROACH.sendings, forged), 8.0)
    quiet = Expectation(must_not=frozenset({"sos"}))
    assert judge(quiet, plan=plan)[-1].outcome is Outcome.QUIET
    assert forged.reading is not None
    rows = judge(quiet, event("zone_buffer", 1.5, 1, place=forged.reading.place), plan=plan)
    assert rows[-1].outcome is Outcome.FALSE


def test_a_command_to_the_wearer_is_false_when_he_must_not_know() -> None:
    secret = Expectation(must_not=frozenset({"sos"}), silent_wearer=True)
    assert judge(secret)[-1].outcome is Outcome.QUIET
    assert judge(secret, commands=1)[-1].outcome is Outcome.FALSE


EXERCISE = Exercise(
    "order-1", "EX", {Party.WEARER: DeviceAccess("dev-1", "t", "u", "s", None)}, {"home": "zone-1"}, None
)


def arrival(**event: Any) -> Arrival:
    values = {"kind": "zone_breach", "order_id": "order-1", "device_id": "dev-1", "zone_id": "zone-1"} | event
    return Arrival(1.0, "alert", {"entry": {"alert_id": "a", "event": values}})


def test_an_event_of_the_stream_is_read() -> None:
    sighting = {"point": {"lat": 51.9, "lon": 4.5}, "fixed_at": "2026-11-23T12:00:00+00:00"}
    seen = verdicts.read_event(arrival(wearer=sighting), EXERCISE)
    assert seen is not None
    assert (seen.kind, seen.party, seen.zone, seen.place) == ("zone_breach", Party.WEARER, "home", CENTER)
    assert seen.fix_tst == 1_795_435_200


def test_events_of_others_and_acts_of_people_are_passed_over() -> None:
    assert verdicts.read_event(arrival(order_id="other", device_id="other"), EXERCISE) is None
    assert verdicts.read_event(arrival(order_id="other", zone_id=None), EXERCISE) is not None
    assert verdicts.read_event(Arrival(1.0, "alert", {"entry": {"event": None}}), EXERCISE) is None
    assert verdicts.read_event(Arrival(1.0, "positions", {"positions": []}), EXERCISE) is None


def test_the_exit_status_is_one_when_anything_is_not_as_expected() -> None:
    good, quiet = Row("a", Outcome.SEEN), Row("b", Outcome.QUIET)
    assert report.exit_status([good, quiet]) == 0
    for outcome in (Outcome.MISSED, Outcome.LATE, Outcome.FALSE):
        assert report.exit_status([good, Row("c", outcome)]) == 1
    assert report.exit_status([]) == 1


def test_the_table_shows_every_row_and_counts() -> None:
    console = Console(record=True, width=120, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115 - ends with the test
    rows = [
        Row("zone_breach", Outcome.SEEN, "zone_breach (home)", 0.041, 0.041, 0.063),
        Row("x", Outcome.MISSED),
    ]
    report.print_rows(console, "Title", rows)
    report.print_summary(console, [("Title", rows)])
    shown = console.export_text()
    assert "41 ms" in shown
    assert "63 ms" in shown
    assert "1 of 2 as expected, 1 missed, 0 too late, 0 false" in shown
    console.file.close()


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere() -> None:
    for is_terminal in (True, False):
        console = Console(width=100, force_terminal=is_terminal)
        with console.capture() as shown, report.Live(console, "A story", 10) as live:
            live.say("  1.00 s  sos")
            live.show(5, "3 sent")
        assert "1.00 s  sos" in shown.get()
        assert "A story" in shown.get()


def test_an_event_about_one_of_two_people_rests_on_the_message_of_her_device() -> None:
    anna = sending(6, 90, party=Party.PROTECTED, name="anna")
    other = sending(6, 5000, party=Party.PROTECTED, name="beatrix")
    plan = Plan((other, anna, sending(6, 0)), 6.0)
    draft = OrderDraft("t", 150, 300, (), (), people=("anna",))
    near = event("proximity_breach", 6.1, 6, party=Party.PROTECTED, zone=None, whose="anna", place=None)
    evidence = Evidence(BEGIN_S, BEGIN_TST, (56.0, 56.0, 56.0), (near,), (), 0)
    assert verdicts.groundless((draft,), plan, evidence) == []
    hers = Evidence(BEGIN_S, BEGIN_TST, (56.0, 56.0, 56.0), (replace(near, whose="beatrix"),), (), 0)
    assert len(verdicts.groundless((draft,), plan, hers)) == 1
