"""What we send to devices: OwnTracks' `cmd`, plain or sealed (`ops/contracts/cmd.schema.json`)."""

import base64
from datetime import datetime
from uuid import UUID

import msgspec

from api.alerts.model import Channel, Notification
from api.alerts.rules.retries import expires_at
from api.alerts.rules.telling import Wording
from api.kernel.crypto import seal

TURN_BACK_TEXT = "You are close to or inside an area that a court has forbidden you to enter. Turn back now."
"""The area is one that the wearer has been told of; the words name no place and no person."""


def encode_notice(command: Notification, neutral_text: str, sealing_key: bytes | None) -> bytes:
    """Return the payload of a message of the outbox for a device; her neutral text is the cover's."""
    texts = {Wording.NEUTRAL: neutral_text, Wording.TURN_BACK: TURN_BACK_TEXT, Wording.NONE: ""}
    return encode_command(
        command.id,
        command.payload["action"],
        texts[Wording(command.payload["wording"])],
        expires_at(Channel.DEVICE, command.created_at),
        sealing_key,
        command.payload.get("interval_s"),
    )


def encode_command(
    command_id: UUID,
    action: str,
    content: str,
    expires_at: datetime,
    sealing_key: bytes | None,
    interval_s: int | None = None,
) -> bytes:
    """Return the payload of one command; it is `encrypted` when the device has a sealing key (32 bytes).

    `command_id` comes back in the device's receipt, and lets it drop a command that it gets twice.
    """
    command: dict[str, str | int] = {
        "_type": "cmd",
        "id": str(command_id),
        "action": action,
        "content": content,
        "expires": int(expires_at.timestamp()),
    }
    if interval_s is not None:
        command["interval"] = interval_s
    plain = msgspec.json.encode(command)
    if sealing_key is None:
        return plain
    data = base64.b64encode(seal(sealing_key, plain)).decode()
    return msgspec.json.encode({"_type": "encrypted", "data": data})
