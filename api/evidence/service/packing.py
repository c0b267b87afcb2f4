"""`POST /api/alerts/{id}/evidence` and `python -m api pack`: the signed pack of one alert.

Written down first, in a transaction of its own: who takes what out of the house, and why. Then everything is
read in one reading of the database and drawn and packed outside of any transaction: nobody who writes
waits for a pack.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from unicodedata import category
from uuid import UUID

import msgspec
from nacl.signing import SigningKey
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.alerts import service as alerts
from api.alerts.model import RULE_VERSION, Alert
from api.evidence.model.material import Material, Person
from api.evidence.model.pack import MAX_REASON_CHARACTERS, BadReason, Variant
from api.evidence.report.document import draw
from api.evidence.rules.files import files_of
from api.evidence.rules.manifest import Made, public_key, seal
from api.evidence.rules.redaction import for_defence, opening_for_defence
from api.evidence.service.collecting import Asked, collect
from api.geofence.model import Limits
from api.kernel import audit, clock
from api.kernel.crypto import Undecipherable, derive
from api.kernel.db import reading, transaction
from api.kernel.errors import DomainError
from api.orders import service as orders
from api.orders.model import Party
from api.rehearsal.case import NotReplayable
from api.rehearsal.replay import replay

PURPOSE = "evidence-signing"
PROGRAM = f"Baken, rules {RULE_VERSION}"


def signing_key(server_key: bytes) -> SigningKey:
    """Return the key that this house signs evidence with; it follows from the server key."""
    return SigningKey(derive(server_key, PURPOSE))


def make_pack(
    engine: Engine,
    house: Limits,
    server_key: bytes,
    alert_id: UUID,
    variant: Variant,
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> bytes:
    """Return the signed zip of an alert's evidence as it is known now.

    Args:
        engine: Where everything is; `actor_id` None is the command line.
        house: Limits of today, for times of which none are kept.
        server_key: The house's; the signing key follows from it.
        alert_id: Of which alert.
        variant: For whom.
        reason: Why, in a person's words; it stays in the audit trail and in the full variant's manifest.
        actor_id: Who asks.
        now: The moment that everything in the pack is told as of.

    Raises:
        AlertNotFound: There is no such alert.
        BadReason: No reason, or a long one.
        NothingForDefence: No event of it may go to the defence.
    """
    reason = reason.strip()
    is_text = not any(category(letter) in {"Cc", "Cs"} and letter not in "\n\t" for letter in reason)
    if not is_text or not 1 <= len(reason) <= MAX_REASON_CHARACTERS:
        message = f"Say why the pack is made, in at most {MAX_REASON_CHARACTERS} characters."
        raise BadReason(message, {"reason": [message]})
    with transaction(engine) as session:
        alert = alerts.show_alert(session, alert_id).view.alert
        audit.record(session, now, actor_id, "evidence.pack", alert_id, f"{variant.value}: {reason}")
        people = _people(session, alert, actor_id, now) if variant is Variant.FULL else ()
    asked = Asked(alert_id, actor_id, now, reason, people, _replay(engine, house, alert_id, actor_id, now))
    with reading(engine) as session:
        material = collect(session, asked, house)
        if variant is Variant.DEFENCE:
            material = for_defence(collect(session, asked, house, opening_for_defence(material)))
    return write_pack(material, server_key)


def write_pack(material: Material, server_key: bytes) -> bytes:
    """Return the signed zip of what was collected: the same material gives the same bytes."""
    made = Made(
        alert=material.alert.id,
        variant=material.variant,
        at=material.made_at,
        by=material.made_by,
        reason=material.reason,
        rules=tuple(dict.fromkeys([*material.replay.get("stored_rules", ()), RULE_VERSION])),
    )
    return seal(files_of(material, draw(material, PROGRAM), PROGRAM), made, signing_key(server_key))


def _people(session: Session, alert: Alert, actor_id: UUID | None, now: datetime) -> tuple[Person, ...]:
    """Return the names of the two; each reading is an audit row."""
    if alert.order_id is None:
        return ()
    order = orders.get_order(session, alert.order_id)
    wearer = orders.get_wearer(session, order.wearer_id, actor_id, now)
    people = [orders.get_person(session, person_id, actor_id, now) for person_id in alert.person_ids]
    return (
        Person(Party.WEARER, wearer.id, wearer.reference, wearer.name),
        *(Person(Party.PROTECTED, one.id, one.reference, one.name) for one in people),
    )


def _replay(
    engine: Engine, house: Limits, alert_id: UUID, actor_id: UUID | None, now: datetime
) -> dict[str, Any]:
    """Return what judging the alert again came to, or why it could not be."""
    try:
        outcome = replay(engine, house, alert_id, now, actor_id)
    except NotReplayable as error:
        return {"error": str(error)}
    return dict(msgspec.to_builtins(outcome))


def print_key(server_key: bytes, out: TextIO) -> None:
    """Print the public key that packs of this house are checked with."""
    out.write(f"{public_key(signing_key(server_key))}\n")


def run(
    engine: Engine,
    house: Limits,
    server_key: bytes,
    alert: str,
    variant: str,
    reason: str,
    path: Path,
    out: TextIO,
) -> int:
    """Write a pack to a new file that only its owner can read; returns 0, or 1 with one sentence printed."""
    if path.exists():
        out.write(f"{path} is there already: give another name.\n")
        return 1
    try:
        pack = make_pack(engine, house, server_key, UUID(alert), Variant(variant), reason, None, clock.now())
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except DomainError as error:
        out.write(f"{error.message}\n")
    except ValueError:
        out.write(f"There is no alert {alert}.\n")
    except Undecipherable:
        out.write("The server key does not open this database's names or sealing keys.\n")
    except OSError as error:
        out.write(f"{path} cannot be written: {error.strerror}.\n")
    else:
        with os.fdopen(number, "wb") as file:
            file.write(pack)
        out.write(f"{path}: {len(pack):,} bytes, signed with {public_key(signing_key(server_key))}\n")
        return 0
    return 1
