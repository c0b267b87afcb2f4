"""Use cases of a protected person's number and PIN: make, try, change, close.

A try has three steps, as staff's signing in has: `hold` reads, `try_pin` computes outside of any transaction,
`enter` writes down what came of it. Right, second and wrong PIN cost the same computations, reads and writes:
both slots are always tried, both are always stored again, and a wrong PIN gets a token that opens nothing.
"""

import secrets
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from api.accounts import rules, store
from api.accounts.model import NUMBER_DIGITS, PIN_DIGITS, Account, Role
from api.accounts.model.entry import (
    ENTRY_LIFE,
    SIDES,
    SLOT_BYTES,
    Closed,
    Duress,
    Entered,
    EntryNotFound,
    Held,
    NewPerson,
    Side,
    SlotContent,
    Slots,
    Trial,
    UnfitPin,
)
from api.accounts.rules.slots import decode_content, encode_content, may_try, spent_after
from api.accounts.store import slots as slot_store
from api.kernel import audit, crypto
from api.kernel.db import serialise

_LOGINS = "accounts.login"
_SALT_BYTES = 16
_SEAL_BYTES = 40
"""What a secretbox adds: 24 of nonce, 16 of authentication."""
_NUMBER_SALT = b"baken:number:v1\0"
"""The same everywhere: a number is looked up by what comes out, and has 43 random bits of its own."""
_UNFIT = "Choose other digits: these are among the first that somebody would try."


def prepare_person(pin: str | None = None) -> NewPerson:
    """Make number, keys, slots and, unless she chose it, PIN of a new account, outside of any transaction.

    Raises UnfitPin for a weak one.
    """
    if pin is not None and rules.is_weak_pin(pin):
        raise UnfitPin(_UNFIT, {"pin": [_UNFIT]})
    number, pin = _new_number(), pin or _new_pin()
    lookup, number_key = keys_of(number)
    salt = crypto.random_bytes(_SALT_BYTES)
    halves = (crypto.new_key(), crypto.new_key())
    slot, index = secrets.randbelow(SIDES), secrets.randbelow(SIDES)
    content = SlotContent(Side.REAL, uuid.uuid4(), index, crypto.new_key(), crypto.new_key())
    boxes = [crypto.random_bytes(SLOT_BYTES + _SEAL_BYTES) for _side in range(SIDES)]
    stretched = _stretched(number_key, pin, salt)
    boxes[slot] = crypto.seal(_box_key(stretched, halves[slot], slot), encode_content(content))
    return NewPerson(number, pin, lookup, salt, (boxes[0], boxes[1]), halves, number_key)


def keys_of(number: str) -> tuple[str, bytes]:
    """Return under what an account of this number is found, and 32 bytes without which no PIN opens it.

    Both cost Argon2id: a stolen database does not give the numbers away, even beside the server key.
    """
    stretched = crypto.stretch_number(number.encode(), _NUMBER_SALT, 2 * crypto.KEY_BYTES)
    return stretched[: crypto.KEY_BYTES].hex(), stretched[crypto.KEY_BYTES :]


def add_person_account(session: Session, person_id: UUID, new: NewPerson, now: datetime) -> Account:
    """Keep a protected person's account.

    She has one: another one takes its place and ends the sessions of the old. What the old number and PIN
    open stays theirs, apart from her alerts from now on: nobody can take her plan away by giving her another
    account, nor get at it, nor at what she shares.
    """
    serialise(session, _LOGINS)
    known = store.find_person_account(session, person_id)
    if known is not None:
        store.move_account(session, known.id, uuid.uuid4())
        store.delete_sessions_of(session, known.id)
        slot_store.delete_entries_of(session, known.id)
        audit.record(session, now, None, "accounts.renew", known.id)
    account = Account(uuid.uuid4(), new.lookup, Role.PROTECTED_PERSON, person_id, "", 0, None)
    store.add_account(session, account, now)
    audit.record(session, now, None, "accounts.add", account.id, account.role.value)
    slot_store.save_slots(session, Slots(account.id, new.salt, new.boxes, new.halves, None), is_new=True)
    return account


def hold(session: Session, account: Account | None) -> Held:
    """Return an account and its slots, or nobody's: step 1 of a try. The reads are the same."""
    slots = slot_store.find_slots(session, uuid.uuid4() if account is None else account.id)
    return Held(account, slots or _nobodys_slots())


def try_pin(held: Held, number_key: bytes, pin: str) -> Trial:
    """Try a PIN at both slots, whichever opens: step 2, outside of any transaction."""
    stretched = _stretched(number_key, pin, held.slots.salt)
    opened = [_open(held.slots, stretched, slot) for slot in range(SIDES)]
    found = [Trial(content, slot) for slot, content in enumerate(opened) if content is not None]
    # One PIN for both sides can only come from within the decoy: then it stays the decoy's.
    decoy = [one for one in found if one.content and one.content.side is Side.DECOY]
    return (decoy or found or [Trial(None, None)])[0]


def enter(session: Session, held: Held, trial: Trial, now: datetime) -> Entered | Closed:
    """Open what the PIN opened, or count the failure: step 3. Statements and sizes are the same for both."""
    account_id = uuid.uuid4() if held.account is None else held.account.id
    current = store.get_account_locked(session, account_id)
    slots = slot_store.find_slots(session, account_id, locked=True)
    is_same = slots == held.slots  # the PIN may have been changed since step 1
    spent = current.locked_until if current else None
    is_taken = current is not None and is_same and may_try(spent, now)
    if is_taken and trial.content is None:
        spent = spent_after(spent, now)
    store.save_failures(session, account_id, 0, spent)
    opened, after = None, slots or held.slots
    if is_taken and trial.content is not None and slots is not None:
        opened, after = shown(trial, slots, now).content, _after(trial, slots, now)
    slot_store.save_slots(session, replace(after, account_id=account_id))
    # What was open of her side must not stay open once the second PIN is to hide or to erase it.
    closes = opened is not None and trial.content is not None and _closes(trial.content)
    slot_store.delete_entries_of(session, account_id if closes else uuid.uuid4())
    token = _add_entry(session, account_id, opened, now)
    if opened is None or current is None or trial.content is None:
        return Closed(token)
    calls_help = trial.content.side is Side.DECOY and trial.content.duress.calls_help
    return Entered(current, opened, token, calls_help)


def find_opened(session: Session, account: Account, token: str, now: datetime) -> SlotContent:
    """Return what a token opens; raises EntryNotFound for one that opens nothing, whatever the reason."""
    box = slot_store.find_entry(session, crypto.hash_token(token), account.id, now)
    try:
        return decode_content(crypto.unseal(_token_key(token, "entry"), box or b""))
    except crypto.Undecipherable:
        raise EntryNotFound("Not found.") from None


def close(session: Session, token: str) -> None:
    """Close what a token opens, if it opens anything."""
    slot_store.delete_entry(session, crypto.hash_token(token))


def remember_number(session: Session, session_token: str, number_key: bytes) -> None:
    """Let a session try PINs: what it needs of the number, sealed under the session's own token."""
    box = crypto.seal(_token_key(session_token, "number"), number_key)
    slot_store.add_number(session, crypto.hash_token(session_token), box)


def number_key_of(session: Session, session_token: str) -> bytes:
    """Return what a session needs of the number; random bytes, with which no PIN fits, where it has none."""
    box = slot_store.find_number(session, crypto.hash_token(session_token))
    try:
        return crypto.unseal(_token_key(session_token, "number"), box or b"")
    except crypto.Undecipherable:
        return crypto.new_key()


def change_pin(held: Held, number_key: bytes, trial: Trial, pin: str) -> Slots:
    """Return the slots in which another PIN opens what this one opened; computed outside of any transaction.

    Raises UnfitPin for a weak PIN, and on her own side for the second one: the other side is never told
    whether a PIN is hers. While her side is hidden nothing is changed.
    """
    if trial.content is None or trial.slot is None:
        raise EntryNotFound("Not found.")
    if rules.is_weak_pin(pin):
        raise UnfitPin(_UNFIT, {"pin": [_UNFIT]})
    if trial.is_hidden:
        return held.slots
    return _with_pin(held.slots, number_key, pin, trial.slot, trial.content)


def set_second(held: Held, number_key: bytes, trial: Trial, pin: str | None, duress: Duress) -> Slots:
    """Return the slots in which a second PIN opens the decoy, or (None) in which none opens anything.

    Only from the real side: raises EntryNotFound otherwise, and UnfitPin as `change_pin`.
    """
    content = trial.content
    if content is None or trial.slot is None or content.side is not Side.REAL or content.decoy_key is None:
        raise EntryNotFound("Not found.")
    if pin is not None and rules.is_weak_pin(pin):
        raise UnfitPin(_UNFIT, {"pin": [_UNFIT]})
    other = 1 - trial.slot
    if pin is None:
        return _with_box(held.slots, other, crypto.random_bytes(SLOT_BYTES + _SEAL_BYTES))
    decoy = SlotContent(Side.DECOY, content.vault_id, 1 - content.index, content.decoy_key, None, duress)
    stretched = _stretched(number_key, pin, held.slots.salt)
    if _open(held.slots, stretched, trial.slot) is not None:
        raise UnfitPin(_UNFIT, {"pin": [_UNFIT]})
    return _with_pin(held.slots, number_key, pin, other, decoy)


def save_slots(session: Session, held: Held, changed: Slots, session_token: str) -> None:
    """Keep changed slots, and end every other session and all that is open; this session stays.

    Raises EntryNotFound when they were changed meanwhile.
    """
    account = _unchanged(session, held)
    slot_store.save_slots(session, changed)
    slot_store.delete_entries_of(session, account.id)
    store.delete_other_sessions(session, account.id, crypto.hash_token(session_token))


def _unchanged(session: Session, held: Held) -> Account:
    """Return whose slots are held, locked; raises EntryNotFound when they were changed meanwhile."""
    if held.account is None or slot_store.find_slots(session, held.account.id, locked=True) != held.slots:
        raise EntryNotFound("Not found.")
    return held.account


def forget(session: Session, held: Held, trial: Trial, now: datetime) -> bool:
    """End an account at her word; returns whether its documents are to go as well.

    From her own side everything that its PINs open is destroyed, in this database and in every backup of it:
    the halves without which no box opens are in no backup. From the other side only that side is: whoever
    demanded it sees an account that is gone, and her own PIN still opens what is hers.
    """
    if trial.content is None or trial.slot is None:
        raise EntryNotFound("Not found.")
    account_id, is_real = _unchanged(session, held).id, trial.content.side is Side.REAL
    gone = replace(_nobodys_slots(), account_id=account_id)
    if not is_real:
        kept = 1 - trial.slot
        boxes, halves = list(gone.boxes), list(gone.halves)
        boxes[kept], halves[kept] = held.slots.boxes[kept], held.slots.halves[kept]
        gone = replace(held.slots, boxes=(boxes[0], boxes[1]), halves=(halves[0], halves[1]))
    slot_store.save_slots(session, gone)
    slot_store.delete_entries_of(session, account_id)
    store.delete_sessions_of(session, account_id)
    audit.record(session, now, None, "accounts.forget", account_id)
    return is_real


def _with_pin(slots: Slots, number_key: bytes, pin: str, slot: int, content: SlotContent) -> Slots:
    stretched = _stretched(number_key, pin, slots.salt)
    is_taken = _open(slots, stretched, 1 - slot) is not None
    if is_taken and content.side is Side.REAL:
        raise UnfitPin(_UNFIT, {"pin": [_UNFIT]})
    sealed = crypto.seal(_box_key(stretched, slots.halves[slot], slot), encode_content(content))
    return _with_box(slots, slot, sealed)


def _with_box(slots: Slots, slot: int, box: bytes) -> Slots:
    return replace(slots, boxes=(box, slots.boxes[1]) if slot == 0 else (slots.boxes[0], box))


def shown(trial: Trial, slots: Slots, now: datetime) -> Trial:
    """Return what a PIN shows now: the other side also for her own PIN while hers is to stay hidden."""
    content = trial.content
    is_hiding = slots.hidden_until is not None and now < slots.hidden_until
    if content is None or trial.slot is None or not is_hiding:
        return trial
    if content.side is Side.DECOY or content.decoy_key is None:
        return trial
    other = SlotContent(Side.DECOY, content.vault_id, 1 - content.index, content.decoy_key)
    return Trial(other, 1 - trial.slot, is_hidden=True)


def _closes(content: SlotContent) -> bool:
    return content.side is Side.DECOY and (content.duress.erases or content.duress.hide_days > 0)


def _after(trial: Trial, slots: Slots, now: datetime) -> Slots:
    """Return the slots as the second PIN leaves them, if this was it."""
    content, slot = trial.content, trial.slot
    if content is None or slot is None or content.side is Side.REAL:
        return slots
    if content.duress.hide_days:
        # Not longer by each use: somebody who has the second PIN could keep her out for ever.
        is_hiding = slots.hidden_until is not None and now < slots.hidden_until
        until = now + timedelta(days=content.duress.hide_days)
        slots = slots if is_hiding else replace(slots, hidden_until=until)
    if content.duress.erases:
        gone = crypto.new_key()
        halves = (gone, slots.halves[1]) if slot == 1 else (slots.halves[0], gone)
        slots = _with_box(slots, 1 - slot, crypto.random_bytes(SLOT_BYTES + _SEAL_BYTES))
        slots = replace(slots, halves=halves)
    return slots


def _add_entry(session: Session, account_id: UUID, opened: SlotContent | None, now: datetime) -> str:
    token = crypto.new_token()
    body = crypto.random_bytes(SLOT_BYTES) if opened is None else encode_content(opened)
    key = crypto.new_key() if opened is None else _token_key(token, "entry")
    slot_store.delete_expired_entries(session, now)
    slot_store.add_entry(
        session, crypto.hash_token(token), account_id, crypto.seal(key, body), now + ENTRY_LIFE
    )
    return token


def _open(slots: Slots, stretched: bytes, slot: int) -> SlotContent | None:
    try:
        plain = crypto.unseal(_box_key(stretched, slots.halves[slot], slot), slots.boxes[slot])
    except crypto.Undecipherable:
        return None
    return decode_content(plain)


def _stretched(number_key: bytes, pin: str, salt: bytes) -> bytes:
    return crypto.stretch_pin(pin.encode() + number_key, salt, crypto.KEY_BYTES)


def _box_key(stretched: bytes, half: bytes, slot: int) -> bytes:
    return crypto.derive(stretched, f"slot:{slot}:{half.hex()}")


def _token_key(token: str, purpose: str) -> bytes:
    return crypto.derive(token.encode(), f"token:{purpose}")


def _nobodys_slots() -> Slots:
    boxes = [crypto.random_bytes(SLOT_BYTES + _SEAL_BYTES) for _side in range(SIDES)]
    return Slots(
        uuid.uuid4(),
        crypto.random_bytes(_SALT_BYTES),
        (boxes[0], boxes[1]),
        (crypto.new_key(), crypto.new_key()),
        None,
    )


def _new_number() -> str:
    """Return 16 random digits that look like a phone number written from abroad: 00, country, number."""
    return f"00{secrets.choice('123456789')}" + _digits(NUMBER_DIGITS - 3)


def _new_pin() -> str:
    while True:
        pin = _digits(PIN_DIGITS)
        if not rules.is_weak_pin(pin):
            return pin


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))
