from typing import Any

from api.rehearsal.comparing import Difference, Line, Verdict, compare
from tests.factories import NOW


def line(**event: Any) -> Line:
    return Line(NOW, "updated", 2, {"kind": "zone_breach", "device_id": "d", "rule_version": "1"} | event)


def test_one_bit_of_a_float_is_a_difference() -> None:
    (one,) = compare([line(distance_m=0.1 + 0.2)], [line(distance_m=0.3)])
    assert one.differences == (Difference("distance_m", 0.1 + 0.2, 0.3),)


def test_a_number_is_not_its_rounded_self_and_the_severity_of_the_log_counts() -> None:
    assert compare([line(distance_m=1)], [line(distance_m=1.0)])[0].verdict is Verdict.DIFFERS
    other = Line(NOW, "raised", 1, line().event)
    assert [one.field for one in compare([line()], [other])[0].differences] == ["log: entry", "log: severity"]


def test_the_name_of_the_rules_alone_is_no_difference() -> None:
    assert compare([line()], [line(rule_version="2")])[0].verdict is Verdict.IDENTICAL


def test_two_of_one_kind_are_held_against_each_other_in_their_order() -> None:
    first, second = line(reason="a"), line(reason="b")
    assert {one.verdict for one in compare([first, second], [first, second])} == {Verdict.IDENTICAL}


def test_another_kind_at_the_same_moment_differs_and_what_is_left_is_missing_or_extra() -> None:
    assert compare([line()], [line(kind="zone_buffer")])[0].differences[0].field == "kind"
    assert [one.verdict for one in compare([line()], [])] == [Verdict.MISSING]
    assert [one.verdict for one in compare([], [line()])] == [Verdict.EXTRA]
