import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simulator.faults import Alarm
from simulator.plan import plan_story
from simulator.schedule import Lane, Sending
from simulator.story_loader import list_stories, load_story
from simulator.wire import DeviceAccess, finish, seal, to_message, to_payload, unseal

CONTRACTS = Path(__file__).parents[2] / "ops" / "contracts"
PLAIN = DeviceAccess("id", "em/v1/3/abc", "abc", "secret", None)
SEALED = DeviceAccess("id", "em/v1/3/abc", "abc", "secret", bytes(range(32)))


def check(message: dict[str, Any]) -> None:
    schema = json.loads((CONTRACTS / f"{message['_type']}.schema.json").read_text())
    jsonschema.validate(message, schema)


def sendings() -> list[Sending]:
    return [
        sending
        for path in list_stories()
        for sending in plan_story(load_story(path), 1, 1.0).sendings[:200]
        if not sending.raw
    ]


def test_everything_the_stories_send_keeps_the_contract() -> None:
    kinds = set()
    for sending in sendings():
        message = to_message(sending, 1_790_000_000)
        check(message)
        kinds.add(message.get("kind", message["_type"]))
    assert kinds >= {"location", "sos", "strap_cut"}


def test_what_is_sealed_keeps_the_contract_and_opens_with_its_key_only() -> None:
    sending = sendings()[0]
    payload = to_payload(sending, 1_790_000_000, SEALED)
    check(json.loads(payload))
    assert unseal(payload, SEALED.sealing_key) == to_message(sending, 1_790_000_000)
    assert to_payload(sending, 1_790_000_000, SEALED) != payload, "a nonce is never used twice"
    with pytest.raises(ValueError, match="somebody else"):
        unseal(payload, None)


def test_an_unsealed_device_speaks_plain_json() -> None:
    sending = sendings()[0]
    assert json.loads(to_payload(sending, 0, PLAIN)) == to_message(sending, 0)


def test_receipts_and_last_wills_keep_the_contract() -> None:
    receipt = {"_type": "receipt", "id": "7d9f7b0e-6a4f-4b87-9b61-5b3c5a0b9f10", "outcome": "done", "tst": 1}
    for message in (receipt, {"_type": "lwt", "tst": 1_790_000_000}):
        check(json.loads(finish(message, PLAIN)))


def test_the_alarm_lane_is_a_topic_of_its_own() -> None:
    story = load_story(list_stories()[0])
    plan = plan_story(story, 1, 1.0)
    alarm = next(s for s in Alarm("sos", 3).apply(list(plan.sendings), None, 1.0) if s.alarm)  # type: ignore[arg-type]  # an alarm needs no chance
    assert PLAIN.topic_of(alarm.lane) == "em/v1/3/abc/alarm"
    assert PLAIN.topic_of(Lane.POSITION) == "em/v1/3/abc"
    assert PLAIN.command_topic == "em/v1/3/abc/cmd"


def test_seal_makes_what_the_contract_calls_encrypted() -> None:
    assert json.loads(seal(b"{}", bytes(32)))["_type"] == "encrypted"
