"""The project says femicide (seed point 2.1): words that hide who did what to whom are refused.

Texts that people read promise nothing either: nobody is told to be safe, no disguise is praised.
"""

import html
import re
import unicodedata
from pathlib import Path

import pytest

from tests.project.sources import ROOT, texts

VEILING = (
    "gezins~drama",
    "familie~drama",
    "relatie~drama",
    "liefdes~drama",
    "huwelijks~drama",
    "echtscheidings~drama",
    "relatione(el|le) (conflict|conflicten|geweld)",
    "relationele sfeer",
    "relatie~problemen",
    "relatie~ruzie",
    "echtelijke ruzie",
    "uit de hand gelopen ruzie",
    "passie~moord",
    "passionele (moord|misdaad)",
    "waar twee kijven",
    "crime passionn?ell?e?",
    "crimes? of passion",
    "famil(y|ial) (tragedy|drama)",
    "domestic (tragedy|drama|dispute|incident|disturbance)",
    "love tragedy",
    "lovers?'?s? (quarrel|tiff)",
    "relationship (drama|tragedy|dispute|conflict)",
    "marital (dispute|quarrel)",
    "jealous lover",
    "(quarrel|row|argument) (that )?got out of hand",
)  # fmt: skip
"""`~` stands between the parts of one word, a space between words: either may be broken over lines."""
CLAIMS = (
    "undetectabl[ey]",
    "untraceabl[ey]",
    "cannot be (detected|traced|discovered)",
    "nobody (can|will) (find|see|notice)",
    "niemand (kan|zal) (dit|het|de app) (vinden|zien|merken)",
    "impossible to (find|detect|trace)",
    "on~vindbaar",
    "on~opspoorbaar",
    "on~zichtbaar voor (hem|haar|de ander|je partner|iedereen)",
    "niet te (vinden|traceren|ontdekken|achterhalen)",
    "you(re| are| will be|ll be| stay| remain)( \\w+){0,2} safe",
    "(keeps?|keeping|makes?|making) you safe",
    "(je|jij|u) (bent|blijft|wordt)( \\w+){0,3} veilig",
    "(je|jij|u)( \\w+){0,3} veilig (bent|blijft|wordt)",
    "(dan|daar|hier|nu|zo|daarna|weer) (ben|bent|blijf|blijft) (je|jij|u)( \\w+){0,2} veilig",
    "(houdt|maakt) (je|jou|u) veilig",
    "(low|small) (risk|danger)",
    "risk is (low|small)",
    "(laag|lage|klein|kleine|gering) (risico|gevaar)",
    "(risico|gevaar) is (laag|klein|gering)",
)  # fmt: skip
NEGATING = (
    "zegt niet dat (je|u) veilig bent",
    "betekent niet dat (je|u) veilig bent",
    "does not (say|mean) that you are safe",
)  # fmt: skip
"""The one sentence that may use the word: what a list of questions cannot say."""
READ_BY_PEOPLE = (
    "ops/content/",
    "ops/playbooks/",
    "api/web/",
    "api/safety_plans/model/",
    "api/alerts/rules/",
)
OWN = Path(__file__).relative_to(ROOT).as_posix()


def flattened(content: str) -> str:
    """Return a text as it is heard: no case, accents, apostrophes, marks of lines or invisible letters.

    What ends a line is a blank; so is what begins the next one in a comment, a list or a string of a program.
    """
    decomposed = unicodedata.normalize("NFKD", html.unescape(content))
    visible = "".join(one for one in decomposed if unicodedata.category(one) not in {"Mn", "Cf"})
    quiet = re.sub("['’‘`´]", "", visible.casefold())
    return re.sub(r"[\s\-‐-―_*#>|\"/\\+]+", " ", quiet)


def pattern_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds any of these in a flattened text."""
    return re.compile(r"\b(" + "|".join(words).replace("'", "").replace("~", " ?") + r")\b")


VEILING_WORDS, CLAIMING_WORDS, NEGATING_WORDS = map(pattern_of, (VEILING, CLAIMS, NEGATING))


def veiling_in(content: str) -> str | None:
    match = VEILING_WORDS.search(flattened(content))
    return match[0] if match else None


def claim_in(content: str) -> str | None:
    match = CLAIMING_WORDS.search(NEGATING_WORDS.sub("", flattened(content)))
    return match[0] if match else None


def test_no_shipped_text_veils_femicide() -> None:
    found = {name: veiling_in(content) for name, content in texts().items() if name != OWN}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_text_that_people_read_promises_that_somebody_is_safe_or_something_hidden() -> None:
    read = {name: content for name, content in texts().items() if name.startswith(READ_BY_PEOPLE)}
    assert {Path(name).parts[1] for name in read} == {"content", "playbooks", "web", "safety_plans", "alerts"}
    found = {name: claim_in(content) for name, content in read.items()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "Weer een familiedrama in Ede.",
        "Weer een FAMILIEDRAMA",
        "het gezins-\ndrama van gisteren",
        "het gezins\u00addrama van gisteren",
        "het familie drama",
        "een relationeel\n    # conflict met dodelijke afloop",
        "een rélationeel geweld",
        "een 'crime\n> passionnel'",
        "une crime passionnelle",
        "een crime passionele",
        "passionele moord",
        'x = ("it was a crime of "\n     "passion")',
        "a family\tdrama",
        "a Domestic  Dispute between neighbours",
        "a lovers’ quarrel",
        "a lover's quarrel",
        "liefdes\u200bdrama",
        "gezins&shy;drama",
        "ｆａｍｉｌｉｅｄｒａｍａ",
        "a row that got out of hand",
        "in de relationele sfeer",
    ],
)
def test_a_planted_word_that_veils_is_found(planted: str) -> None:
    assert veiling_in(planted)


@pytest.mark.parametrize(
    "planted",
    [
        "This app is undetectable.",
        "de app is onvindbaar",
        "De app is niet te\n      vinden.",
        "It cannot be traced.",
        "Niemand kan dit zien.",
        "Je bent veilig.",
        "U bent nu heel veilig",
        "Hier bent u véilig",
        "omdat je dan weer veilig bent",
        "You are now safe.",
        "you're safe",
        "You’ll be\n  safe here",
        "This keeps you safe",
        "het risico is laag",
        "Your risk: low risk",
        "Dit zegt niet dat u veilig bent. Maar hier bent u veilig.",
    ],
)
def test_a_planted_promise_is_found(planted: str) -> None:
    assert claim_in(planted)


@pytest.mark.parametrize(
    "fine",
    [
        "Dit zegt niet dat u veilig bent. Uw eigen gevoel telt meer dan deze lijst.",
        "Dit betekent niet dat je veilig bent.",
        "This does not say that\n  you are safe.",
        "Bel Veilig Thuis: 0800-2000. Ben je alleen?",
        "femicide en intieme terreur",
        "Het was een moord. Een drama in drie delen.",
        "Families bereaved by femicide",
        "a conflict of two versions",
        "Are you able to talk?",
    ],
)
def test_what_is_fine_stays_fine(fine: str) -> None:
    assert veiling_in(fine) is None
    assert claim_in(fine) is None


def test_the_content_says_what_it_is_about() -> None:
    content = " ".join(text for name, text in texts().items() if name.startswith("ops/content/"))
    for word in ("femicide", "intieme terreur", "intimate terror"):
        assert word in content
