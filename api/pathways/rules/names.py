"""How two ways of writing one name are found to be the same, before it is hashed."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")


def normal_name(text: str) -> str:
    """Return the words of a name or log-in without case, accents, punctuation and order.

    `de Vries, Anna`, `Anna de Vries` and `anna.de-vries` are one; empty when there is no letter or digit.
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    without_marks = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(sorted(_WORD.findall(without_marks)))
