"""What the app pretends to be until she unlocks it."""

from dataclasses import dataclass

from api.kernel.config import COVERS


@dataclass(frozen=True, slots=True)
class Cover:
    """One everyday tool: nothing it says names a place, a sender or a danger.

    Attributes:
        name: One of `kernel.config.COVERS`; a deploy-time setting.
        title: Title of the page and of notifications.
        neutral_text: What she reads before unlocking, whatever happened.
    """

    name: str
    title: str
    neutral_text: str


_ALL = (
    Cover("timer", "Kitchen timer", "Your timer has finished."),
    Cover("converter", "Converter", "New rates are available."),
)


def cover_named(name: str) -> Cover:
    """Return the cover of this name; `kernel.config` has checked that it exists."""
    return _ALL[COVERS.index(name)]
