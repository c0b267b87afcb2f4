"""The content that ships, and what is said of one that cannot be used."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from api.kernel.config import CONTENT
from api.pathways.model.agencies import AgencyKind
from api.pathways.model.content import LANGUAGES, BadContent
from api.pathways.rules.content import parse_content

SHIPPED = yaml.safe_load((CONTENT / "pathway.yaml").read_text(encoding="utf-8"))
VERDICTS = ("veilig bent", "bent veilig", "you are safe", "undetectable", "laag risico", "low risk")


def test_the_shipped_content_has_nineteen_steps_with_words_and_a_source_each() -> None:
    content = parse_content(SHIPPED)
    assert [step.number for step in content.steps] == list(range(19))
    assert len({step.key for step in content.steps}) == 19
    for step in content.steps:
        assert set(step.titles) == set(step.sentences) == set(LANGUAGES)
        assert step.target.source
        assert step.kinds
    assert all(set(words) == set(AgencyKind) for words in content.kind_words.values())


def test_no_step_whose_words_could_tell_a_place_takes_notes() -> None:
    hidden = {step.key for step in parse_content(SHIPPED).steps if step.hides_place}
    assert {"shelter_place", "transport"} <= hidden


def test_no_shipped_sentence_is_a_verdict_about_her_or_longer_than_plain() -> None:
    for step in parse_content(SHIPPED).steps:
        for text in (*step.titles.values(), *step.sentences.values()):
            assert [word for word in VERDICTS if word in text.lower()] == []
            assert max(len(part.split()) for part in text.split(".")) <= 20, text


def test_an_acute_pathway_is_never_slower() -> None:
    content = parse_content(SHIPPED)
    assert content.acute.worker < content.ordinary.worker
    assert content.steps[10].target.acute_minutes == 240


Change = Callable[[dict[str, Any]], object]
FAULTS: list[tuple[str, Change, str]] = [
    ("no mapping", lambda c: c.clear(), "the file: 'decided_by' is missing"),
    ("unknown top", lambda c: c.update(extra=1), "the file: 'extra' is unknown"),
    ("empty version", lambda c: c.update(version=" "), "version: give a text"),
    ("number as text", lambda c: c.update(version=3), "version: give a text"),
    (
        "long text",
        lambda c: c["steps"][3]["title"].update(nl="x" * 301),
        r"step 3 \(fixed_contact\).title.nl",
    ),
    ("steps no list", lambda c: c.update(steps={}), "steps: give a list"),
    ("step no mapping", lambda c: c["steps"].__setitem__(4, 4), r"steps\[4\]: give "),
    ("missing step", lambda c: c["steps"].pop(5), "step 5: is missing"),
    (
        "number twice",
        lambda c: c["steps"][5].update(number=4),
        r"step 4 \(acute_weighing\): this number stands twice",
    ),
    (
        "number too large",
        lambda c: c["steps"][5].update(number=19),
        r"steps\[5\].number: give a whole number",
    ),
    (
        "number a truth",
        lambda c: c["steps"][5].update(number=True),
        r"steps\[5\].number: give a whole number",
    ),
    (
        "language missing",
        lambda c: c["steps"][6]["sentence"].pop("en"),
        r"step 6 \(story_once\).sentence: 'en' is missing",
    ),
    ("unknown kind", lambda c: c["steps"][6].update(kinds=["bank"]), r"step 6 .+: there is no kind 'bank'"),
    ("no kind", lambda c: c["steps"][6].update(kinds=[]), "name at least one kind"),
    ("kinds no list", lambda c: c["steps"][6].update(kinds="police"), "name at least one kind"),
    (
        "target from",
        lambda c: c["steps"][6]["target"].update({"from": "birth"}),
        "must be one of opening, offer",
    ),
    (
        "two targets",
        lambda c: c["steps"][14]["target"].update(minutes=5),
        "either `minutes` or `working_days`",
    ),
    ("slower acute", lambda c: c["steps"][16]["target"].update(acute=10081), "acute comes first"),
    ("no source", lambda c: c["steps"][6]["target"].pop("source"), "'source' is missing"),
    (
        "place shown",
        lambda c: c["steps"][10].update(hides_place=False),
        "step 10 .+: must have `hides_place: true`",
    ),
    ("place a text", lambda c: c["steps"][10].update(hides_place="yes"), "`hides_place` is true or false"),
    (
        "no next contact",
        lambda c: c["steps"][16]["target"].pop("minutes"),
        "step 16 .+: needs `target.minutes`",
    ),
    (
        "no time to answer",
        lambda c: c["handoff"]["acute"].update(worker=0),
        "handoff.acute.worker: give a whole number",
    ),
    ("a rung missing", lambda c: c["handoff"]["acute"].pop("deputy"), "handoff.acute: 'deputy' is missing"),
    ("a word missing", lambda c: c["kind_words"]["nl"].pop("police"), "kind_words.nl: 'police' is missing"),
]


@pytest.mark.parametrize(("change", "told"), [fault[1:] for fault in FAULTS], ids=[one[0] for one in FAULTS])
def test_content_that_cannot_be_used_is_refused_with_the_entry(change: Change, told: str) -> None:
    data = copy.deepcopy(SHIPPED)
    change(data)
    with pytest.raises(BadContent, match=told) as caught:
        parse_content(data)
    assert caught.value.message.startswith(caught.value.entry)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_a_file_of_something_else_is_refused(data: Any) -> None:
    with pytest.raises(BadContent, match="the file: give"):
        parse_content(data)
