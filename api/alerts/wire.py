"""What we send to devices: OwnTracks' `cmd`, plain or sealed (`ops/contracts/cmd.schema.json`)."""

import base64
from datetime import datetime
from uuid import UUID

import msgspec

from api.kernel.crypto import seal


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
