"""What the app pretends to be until she unlocks it."""

from dataclasses import dataclass

from api.kernel.config import COVERS


@dataclass(frozen=True, slots=True)
class Cover:
    """One everyday tool: nothing it says names a place, a sender or a danger.

    Attributes:
        name: One of `kernel.config.COVERS`; a deploy-time setting.
        title: Title of the page and of notifications.
        neutral_texts: What she may choose to read before unlocking, whatever happened; the first is used
            until she chooses.
    """

    name: str
    title: str
    neutral_texts: tuple[str, str, str]

    @property
    def neutral_text(self) -> str:
        """The text that is used until she chooses another."""
        return self.neutral_texts[0]

    def text(self, wording: int) -> str:
        """Return the text of her choice; the first when there is no such choice."""
        is_known = 0 <= wording < len(self.neutral_texts)
        return self.neutral_texts[wording if is_known else 0]


_ALL = (
    Cover(
        "timer",
        "Kitchen timer",
        ("Your timer has finished.", "Time to check the oven.", "Weekly tip: let the dough rest."),
    ),
    Cover(
        "converter",
        "Converter",
        ("New rates are available.", "A table of units was updated.", "Weekly tip: a pint is not a litre."),
    ),
)


def cover_named(name: str) -> Cover:
    """Return the cover of this name; `kernel.config` has checked that it exists."""
    return _ALL[COVERS.index(name)]
