"""A playbook is read as it stands, and refused where it would leave somebody untold."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Channel, EventKind
from api.alerts.model.playbooks import Answer, BadPlaybook, Playbook, Side, Target
from api.alerts.rules.joining import opens_alerts
from api.alerts.rules.playbooks import MAX_STEPS, parse_playbook

KINDS = [kind.value for kind in EventKind if opens_alerts(kind)]


def plain(**more: Any) -> dict[str, Any]:
    """The smallest playbook that tells everybody who must be told."""
    said: dict[str, Any] = {
        "name": "test",
        "version": "1",
        "country": "NL",
        "decided_by": "a test",
        "drill_every_days": 30,
        "her": {"decided_by": "a test", "kinds": ["sos"]},
        "steps": {
            "police": {"tell": "police", "by": ["webhook"], "within_s": 30, "otherwise": ["call"]},
            "call": {"task": "call_police"},
            "room": {"tell": "operator"},
        },
        "kinds": {kind: ["police", "room"] for kind in KINDS},
    }
    return said | more


def with_step(name: str, step: Any, **kinds: list[str]) -> dict[str, Any]:
    said = plain()
    said["steps"][name] = step
    said["kinds"] |= kinds or {"sos": ["police", "room", name]}
    return said


def read(said: Any) -> Playbook:
    return parse_playbook(said, "digest")


def refusal(said: Any) -> BadPlaybook:
    with pytest.raises(BadPlaybook) as caught:
        read(said)
    return caught.value


def test_a_playbook_says_what_it_says() -> None:
    playbook = read(with_step("her", {"tell": "protected_person", "by": ["app", "push"], "severity": [1, 2]}))
    assert playbook.kinds["sos"] == ("police", "room", "her")
    her = playbook.steps["her"]
    assert (her.target, her.channels) == (Target.PROTECTED_PERSON, (Channel.PERSON_STREAM, Channel.WEB_PUSH))
    assert (her.severities, her.answer, her.within_s) == (frozenset({1, 2}), Answer.NONE, None)
    police = playbook.steps["police"]
    assert (police.answer, police.within_s, police.otherwise) == (Answer.POLICE_ACK, 30.0, ("call",))
    assert police.side is Side.WEARER
    assert police.severities == frozenset(range(1, 6))
    assert playbook.steps["call"].task == "call_police"
    assert playbook.standby is None


def test_what_answers_may_be_chosen() -> None:
    step = {"tell": "police", "by": ["webhook"], "within_s": 5, "otherwise": ["call"], "answer": "received"}
    assert read(with_step("again", step)).steps["again"].answer is Answer.RECEIVED


LOOP = {
    "a": {"task": "call_police", "within_s": 5, "otherwise": ["b"]},
    "b": {"task": "call_officer", "within_s": 5, "otherwise": ["c"]},
    "c": {"task": "call_standby", "within_s": 5, "otherwise": ["a"]},
}


def test_a_loop_is_named() -> None:
    said = plain()
    said["steps"] |= LOOP
    said["kinds"]["sos"] = ["police", "room", "a"]
    bad = refusal(said)
    assert "loop: a → b → c → a" in bad.message
    assert bad.path == ("steps", "c", "otherwise")


def test_two_ways_to_one_step_are_no_loop() -> None:
    said = plain()
    said["steps"] |= {
        "a": {"task": "call_police", "within_s": 5, "otherwise": ["b", "c"]},
        "b": {"task": "call_officer", "within_s": 5, "otherwise": ["call"]},
        "c": {"task": "call_standby", "within_s": 5, "otherwise": ["call"]},
    }
    said["kinds"]["sos"] = ["police", "room", "a"]
    assert set(read(said).steps) == {"police", "call", "room", "a", "b", "c"}


HER = {"tell": "protected_person", "by": ["app"]}


@pytest.mark.parametrize(
    ("step", "path", "reason"),
    [
        ({}, (), "either `tell` or `task`"),
        (HER | {"task": "call_wearer"}, (), "either `tell` or `task`"),
        ("text", (), "mapping"),
        (HER | {"tells": 1}, ("tells",), "unknown key 'tells'"),
        (HER | {"tell": "nobody"}, ("tell",), "'nobody' is unknown"),
        (HER | {"tell": []}, ("tell",), "unknown"),
        (HER | {"by": ["sms"]}, ("by", 0), "cannot be told by 'sms'"),
        (HER | {"by": []}, ("by",), "names each way once"),
        (HER | {"by": ["app", "app"]}, ("by",), "names each way once"),
        (HER | {"by": "app"}, ("by",), "list of names"),
        ({"tell": "protected_person"}, ("by",), "names each way once"),
        ({"tell": "operator", "by": ["sms"]}, ("by",), "nothing is sent"),
        ({"task": "call_wearer", "by": ["sms"]}, ("by",), "nothing is sent"),
        ({"task": "call_nobody"}, ("task",), "unknown"),
        (HER | {"within_s": 5}, (), "go together"),
        (HER | {"otherwise": ["call"]}, (), "go together"),
        (HER | {"within_s": 0, "otherwise": ["call"]}, ("within_s",), "number from 1 to 3600"),
        (HER | {"within_s": 3601, "otherwise": ["call"]}, ("within_s",), "number from 1 to 3600"),
        (HER | {"within_s": True, "otherwise": ["call"]}, ("within_s",), "number"),
        (HER | {"within_s": "5", "otherwise": ["call"]}, ("within_s",), "number"),
        (HER | {"within_s": float("nan"), "otherwise": ["call"]}, ("within_s",), "number"),
        (HER | {"answer": "received"}, ("answer",), "needs `within_s`"),
        (HER | {"within_s": 5, "otherwise": ["call"], "answer": "done"}, ("answer",), "cannot answer"),
        (HER | {"within_s": 5, "otherwise": ["gone"]}, ("otherwise", 0), "no step 'gone'"),
        (HER | {"severity": 6}, ("severity",), "number from 1 to 5"),
        (HER | {"severity": []}, ("severity",), "number from 1 to 5"),
        (HER | {"side": "left"}, ("side",), "unknown"),
        ({"tell": "standby", "by": ["sms"]}, (), "name the desk"),
        ({"tell": "wearer", "by": ["device"]}, None, "show him where she is"),
    ],
)
def test_a_step_that_cannot_be_is_refused_with_its_place(
    step: Any, path: tuple[str | int, ...] | None, reason: str
) -> None:
    bad = refusal(with_step("odd", step))
    assert reason in bad.message
    assert bad.path == (("kinds", "sos", 2) if path is None else ("steps", "odd", *path))


def test_the_wearer_is_never_told_later() -> None:
    said = with_step("ask", {"task": "call_wearer", "within_s": 5, "otherwise": ["back"]})
    said["steps"]["back"] = {"tell": "wearer", "by": ["device"]}
    bad = refusal(said)
    assert bad.path == ("steps", "ask", "otherwise", 0)
    assert "at once or never" in bad.message


def test_the_wearer_may_be_told_of_a_zone_that_he_knows() -> None:
    said = with_step("back", {"tell": "wearer", "by": ["device"]}, zone_buffer=["room", "back"])
    assert read(said).kinds["zone_buffer"] == ("room", "back")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_answered(kind: str) -> None:
    for said in (plain(), plain()):
        del said["kinds"][kind]
        assert refusal(said).message.startswith(f"{kind}: nobody is told")
    assert "nobody is told" in refusal(plain(kinds=plain()["kinds"] | {kind: []})).message


def test_a_breach_reaches_the_police_in_time_whoever_is_silent() -> None:
    wearer = {"task": "call_wearer", "within_s": 120, "otherwise": ["police"]}
    assert read(with_step("wearer", wearer, zone_breach=["room", "wearer"])).kinds["zone_breach"]
    slow = with_step("wearer", wearer | {"within_s": 181}, zone_breach=["room", "wearer"])
    assert "within 180 s" in refusal(slow).message
    never = with_step("her", HER, zone_breach=["room", "her"])
    assert "within 180 s" in refusal(never).message


@pytest.mark.parametrize("severity", [1, 2])
def test_a_doubtful_breach_reaches_the_police_as_well(severity: int) -> None:
    only = {"tell": "police", "by": ["webhook"], "severity": severity}
    bad = refusal(with_step("only", only, zone_breach=["room", "only"]))
    assert f"at severity {3 - severity}" in bad.message


def test_what_she_may_switch_off_is_no_way_to_the_police() -> None:
    ask = HER | {"within_s": 60, "otherwise": ["police"]}
    bad = refusal(with_step("ask", ask, sos=["room", "ask"]))
    assert "whatever a protected person has chosen" in bad.message


def test_a_call_that_somebody_is_to_make_is_no_way_to_the_police_by_itself() -> None:
    said = with_step("spare", {"task": "call_officer"}, sos=["room", "call", "spare"])
    assert "within 180 s" in refusal(said).message


def test_nothing_waits_for_the_wearer() -> None:
    """His own device would end the way to the police with a receipt."""
    wait = {"tell": "wearer", "by": ["device"], "within_s": 60, "otherwise": ["police"]}
    assert "nothing may wait for the wearer" in refusal(with_step("wait", wait, zone_breach=["wait"])).message


def test_a_severity_is_a_whole_number() -> None:
    assert "whole number" in refusal(with_step("odd", HER | {"severity": 1.9})).message


def test_whatever_severity_a_kind_may_have_somebody_hears_of_it_at_once() -> None:
    sure = {"tell": "operator", "severity": 2}
    bad = refusal(with_step("sure", sure, lost_contact=["sure"]))
    assert "lost_contact: at severity 3" in bad.message


def test_severity_1_reaches_the_room_or_the_police_at_once() -> None:
    slow = {"task": "call_wearer", "within_s": 10, "otherwise": ["call"]}
    said = with_step("wearer", slow, system_degraded=["wearer"])
    assert refusal(said).path == ("kinds", "system_degraded")
    mild = with_step("mild", {"tell": "operator", "severity": 2}, system_degraded=["mild"])
    assert "neither the control room nor the police" in refusal(mild).message


@pytest.mark.parametrize(
    ("more", "path", "reason"),
    [
        ({"name": ""}, ("name",), "text of 1 to 200"),
        ({"name": "x" * 201}, ("name",), "text of 1 to 200"),
        ({"version": 3}, ("version",), "text"),
        ({"drill_every_days": 0}, ("drill_every_days",), "number from 1 to 366"),
        ({"standby": 5}, ("standby",), "text"),
        ({"surprise": 1}, ("surprise",), "unknown key"),
        ({"steps": []}, ("steps",), "mapping"),
        ({"kinds": {"zone": []}}, ("kinds", "zone"), "there is no kind 'zone'"),
        ({"kinds": {"zone_left": []}}, ("kinds", "zone_left"), "there is no kind"),
        ({"kinds": {"sos": ["gone"]}}, ("kinds", "sos", 0), "no step 'gone'"),
        ({"kinds": {"sos": "police"}}, ("kinds", "sos"), "list of names"),
        ({"her": {"decided_by": "x", "kinds": ["zone"]}}, ("her", "kinds", 0), "no kind 'zone'"),
        ({"her": {"kinds": []}}, ("her",), "'decided_by' is missing"),
    ],
)
def test_a_playbook_that_cannot_be_is_refused_with_its_place(
    more: dict[str, Any], path: tuple[str | int, ...], reason: str
) -> None:
    bad = refusal(plain(**more))
    assert reason in bad.message
    assert bad.path == path


@pytest.mark.parametrize("said", [None, [], "text", 5])
def test_what_is_no_mapping_is_no_playbook(said: Any) -> None:
    assert "mapping" in refusal(said).message


def test_what_is_missing_is_named() -> None:
    said = plain()
    del said["country"]
    assert "'country' is missing" in refusal(said).message


def test_a_step_that_nothing_leads_to_is_refused() -> None:
    said = plain()
    said["steps"]["spare"] = {"task": "call_wearer"}
    assert refusal(said).path == ("steps", "spare")


def test_a_playbook_has_an_end() -> None:
    said = plain()
    said["steps"] |= {f"s{i}": {"task": "call_wearer"} for i in range(MAX_STEPS)}
    assert "more than" in refusal(said).message


WORDS = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2))


@given(st.data())
def test_whatever_is_wrong_the_answer_is_a_refusal_and_nothing_else(data: st.DataObject) -> None:
    said = copy.deepcopy(plain())
    part = data.draw(st.sampled_from([said, said["steps"]["police"], said["kinds"], said["her"]]))
    part[data.draw(st.sampled_from([*part, "new"]))] = data.draw(WORDS)
    with suppress(BadPlaybook):
        read(said)
