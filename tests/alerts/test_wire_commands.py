import base64
import json
from pathlib import Path
from uuid import UUID

import jsonschema
import pytest

from api.alerts.wire.commands import encode_command
from api.kernel.crypto import new_key, unseal
from tests.alerts.stage import at

CONTRACTS = Path(__file__).parents[2] / "ops/contracts"


def schema(name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((CONTRACTS / f"{name}.schema.json").read_text())
    return loaded


@pytest.mark.parametrize("content", ["Your timer has finished.", "", 'Ünïcode \n " text'])
def test_a_plain_command_follows_the_contract(content: str) -> None:
    said = json.loads(encode_command(UUID(int=5), "message", content, at(300), None))
    jsonschema.validate(said, schema("cmd"))
    assert said["content"] == content
    assert said["expires"] == int(at(300).timestamp())


def test_a_command_to_a_device_with_a_key_shows_nothing_of_itself() -> None:
    key = new_key()
    payload = encode_command(UUID(int=5), "message", "Your timer has finished.", at(300), key)
    said = json.loads(payload)
    jsonschema.validate(said, schema("encrypted"))
    assert b"timer" not in payload
    opened = json.loads(unseal(key, base64.b64decode(said["data"])))
    jsonschema.validate(opened, schema("cmd"))
    assert opened["id"] == str(UUID(int=5))
