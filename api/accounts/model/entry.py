"""What a protected person's PIN opens: two sides of one account, of which no row says which is which."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from api.accounts.model import Account
from api.kernel.errors import Conflict, Forbidden, Invalid, NotFound

SLOT_BYTES = 512
"""Every slot's content is padded to this, whatever it opens."""
SIDES = 2
"""One document each; always both, whether she has set a second PIN or not."""
ENTRY_LIFE = timedelta(minutes=30)
"""How long what a PIN opened stays open; her app locks it much earlier. Proposal."""
CODE_LIFE = timedelta(days=3)
"""From the talk in which she gets a code to its use; proposal."""
CODE_CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that can be taken for a digit."""
CODE_LENGTH = 10
"""50 random bits, each code for one use: too many to guess over the network in three days."""
TRY_COSTS = timedelta(minutes=15)
TRIES_SAVED = timedelta(minutes=60)
"""Each wrong PIN costs the one, at most the other is saved up: five at once, then 96 a day, of a million.
A right PIN gives nothing back, whichever side it opens: whoever forced one out of her would otherwise guess
the other without end. Proposal."""
MAX_HIDE_DAYS = 90
"""Longer would lock her out of her own plan; proposal."""


class Side(StrEnum):
    """What a PIN has opened."""

    REAL = "real"
    DECOY = "decoy"


@dataclass(frozen=True, slots=True)
class Duress:
    """What the second PIN does besides showing the other side; nothing unless she chose it.

    Attributes:
        hide_days: For so many days, 0..90, her own PIN shows the other side as well.
        calls_help: A silent SOS goes to the control room.
        erases: What her own PIN opens is destroyed for good. Never the default: plan and dossier are lost.
    """

    hide_days: int = 0
    calls_help: bool = False
    erases: bool = False


@dataclass(frozen=True, slots=True)
class SlotContent:
    """What a slot holds under a PIN.

    Attributes:
        vault_id: Whose two documents these are: no table links it to the account, and another account in this
            one's place has another.
        index: 0 or 1: which of the two documents this side's is.
        key: 32 bytes, of this side's document.
        decoy_key: 32 bytes, of the other document; only on the real side, so that she can write the decoy.
        duress: On the side of the second PIN what it does; on the real side what she chose.
    """

    side: Side
    vault_id: UUID
    index: int
    key: bytes
    decoy_key: bytes | None = None
    duress: Duress = Duress()


@dataclass(frozen=True, slots=True)
class Slots:
    """An account's two slots as they are stored: which is real, and whether both open, cannot be told.

    Attributes:
        salt: 16 random bytes for stretching a PIN.
        boxes: Sealed `SlotContent`s; one that no PIN opens is random bytes of the same size.
        halves: Random keys without which a box stays closed. They lie in a table of their own that no backup
            holds: destroying one destroys its box in every copy.
        hidden_until: Until when her own PIN shows the other side as well; sealed when stored.
    """

    account_id: UUID
    salt: bytes
    boxes: tuple[bytes, bytes]
    halves: tuple[bytes, bytes]
    hidden_until: datetime | None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """An account before it is stored; number and PIN are shown once and stored nowhere."""

    number: str
    pin: str
    lookup: str
    salt: bytes
    boxes: tuple[bytes, bytes]
    halves: tuple[bytes, bytes]
    number_key: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """An account and its slots as they were read, before a PIN is tried; nobody's where there is none."""

    account: Account | None
    slots: Slots


@dataclass(frozen=True, slots=True)
class Trial:
    """What a PIN brought: the content of the slot that it opened, and which slot that is.

    Attributes:
        is_hidden: Her own PIN, while her side is to stay hidden: `content` is the other side's then.
    """

    content: SlotContent | None
    slot: int | None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Entered:
    """A PIN that was taken; `token` opens `opened` again and is stored nowhere."""

    account: Account
    opened: SlotContent
    token: str
    calls_help: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """A PIN that was not taken; its token opens nothing and looks like any other."""

    token: str


@dataclass(frozen=True, slots=True)
class EntryCode:
    """A code that a member of staff hands over, with which a person makes an account of her own.

    Attributes:
        for_id: What the account is for besides, which a room above knows; None for nothing.
    """

    id: UUID
    person_id: UUID
    expires_at: datetime
    for_id: UUID | None = None


class EntryNotFound(NotFound):
    """Nothing is open under this token."""


class CodeNotFound(NotFound):
    """There is no such code, it was used, or its time is over: it does not say which."""


class UnfitPin(Invalid):
    """The PIN is among the first that somebody would try, or may not be used for another reason."""


class PersonHasAccount(Conflict):
    """This person has an account already: staff can give her another number and PIN."""


class OnlySupervisor(Forbidden):
    """This is a supervisor's to do."""
