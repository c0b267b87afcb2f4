"""Content is read as it stands, and refused with the file, the entry, what is wrong and what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from api.kernel.content import Language
from api.safety_plans.model.content import (
    SECTIONS,
    BadContent,
    Phase,
    PlanContent,
    Text,
    Wish,
)
from api.safety_plans.rules.content import parse_content
from tests.safety_plans.made import both, file_of, item_of, plain_files, plain_item, plain_section, section_of

Change = Callable[[dict[str, Any]], Any]
GEZIN = file_of("kinderen")
NALATENSCHAP = file_of("documenten_nalatenschap")


def with_item(**more: Any) -> dict[str, Any]:
    files = plain_files()
    item_of(files, "kinderen").update(more)
    return files


def with_letter(**more: Any) -> dict[str, Any]:
    files = plain_files()
    letter = {
        "code": "a_letter",
        "title": both("t"),
        "text": both("x"),
        "checked_by": None,
        "checked_on": None,
    }
    section_of(files, "kinderen")["letters"] = [letter | {"source": "a test"} | more]
    return files


def with_about(**more: Any) -> dict[str, Any]:
    files = plain_files()
    files["about.yaml"] |= more
    return files


def without(name: str, place: Change) -> dict[str, Any]:
    files = plain_files()
    del place(files)[name]
    return files


def refusal(files: dict[str, Any]) -> BadContent:
    with pytest.raises(BadContent) as caught:
        parse_content(files)
    return caught.value


def item_in(content: PlanContent, section: str) -> Any:
    return content.sections[SECTIONS.index(section)].items[0]


def test_the_smallest_content_says_what_it_says() -> None:
    content = parse_content(plain_files())
    assert [section.code for section in content.sections] == list(SECTIONS)
    assert content.version == "2026-01-01"
    assert content.decided_by == "a test"
    assert content.intro == Text("intro nl", "intro en")
    assert content.call_warning.said_in(Language.EN) == "calls en"
    assert content.danger[3].said_in(Language.NL) == "level 3 nl"
    item = item_in(content, "kinderen")
    assert (item.code, item.phase, item.danger, item.calls) == ("kinderen_1", Phase.HOME, 0, False)
    assert (item.when, item.warning, item.source) == ({}, None, "a test")
    (screen,) = content.acute
    assert [item.code for item in screen.items] == ["nu_veilig_1", "vertrek_1"]


def test_an_item_may_say_for_whom_it_is_what_it_gives_away_and_that_it_leads_to_a_call() -> None:
    when = {"children": True, "lives_together": False, "wants": ["leaving", "unsure"]}
    item = item_in(parse_content(with_item(when=when, warning=both("w"), calls=True, danger=3)), "kinderen")
    assert item.when == {
        "children": frozenset({True}),
        "lives_together": frozenset({False}),
        "wants": frozenset({Wish.LEAVING, Wish.UNSURE}),
    }
    assert (item.warning, item.calls, item.danger) == (Text("w nl", "w en"), True, 3)


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (("2026-01-01", "2026-02-01"), "2026-02-01"),
        (("2026-02-01.9", "2026-02-01.10"), "2026-02-01.10"),
        (("2026-02-01", "2026-01-31.7"), "2026-02-01"),
    ],
)
def test_the_version_of_the_content_is_the_newest_of_its_files(
    versions: tuple[str, str], newest: str
) -> None:
    files = with_about(version=versions[0])
    files["03.yaml"]["version"] = versions[1]
    assert parse_content(files).version == newest


def test_sections_are_read_in_their_order_whatever_file_they_stand_in() -> None:
    files = plain_files()
    last = files.pop(file_of("afspraken_hulp"))
    files["00.yaml"]["sections"].insert(0, last["sections"][0])
    assert [section.code for section in parse_content(files).sections] == list(SECTIONS)


def test_a_letter_is_kept_and_offered_only_once_a_lawyer_has_checked_it() -> None:
    for checked, is_offered in (({}, False), ({"checked_by": "a lawyer", "checked_on": "2026-02-03"}, True)):
        content = parse_content(with_letter(**checked))
        (letter,) = content.sections[SECTIONS.index("kinderen")].letters
        assert letter.is_offered is is_offered
        assert letter.text == Text("x nl", "x en")


ITEM = ("sections", 0, "items", 0)
LETTER = ("sections", 0, "letters", 0)
FAULTS: list[tuple[dict[str, Any], str, tuple[str | int, ...], str]] = [
    ({}, "about.yaml", (), "this file is missing"),
    (with_about(version="1"), "about.yaml", ("version",), "is no version"),
    (with_about(version=20260101), "about.yaml", ("version",), "in quotes"),
    (with_about(version="2026-13-01"), "about.yaml", ("version",), "is no version"),
    (with_about(version="2026-01-01.0"), "about.yaml", ("version",), "is no version"),
    (with_about(odd=1), "about.yaml", ("odd",), "unknown key 'odd': remove it"),
    (with_about(decided_by=""), "about.yaml", ("decided_by",), "must be a text"),
    (with_about(danger=[both("x")] * 3), "about.yaml", ("danger",), "levels 0 to 3"),
    (with_about(acute=[]), "about.yaml", ("acute",), "at least one"),
    (
        without("call_warning", lambda files: files["about.yaml"]),
        "about.yaml",
        (),
        "'call_warning' is missing",
    ),
    (plain_files() | {GEZIN: None}, GEZIN, (), "must be a mapping"),
    (
        plain_files() | {GEZIN: {"version": "2026-01-01", "sections": {}}},
        GEZIN,
        ("sections",),
        "must be a list",
    ),
    (without("version", lambda files: files[GEZIN]), GEZIN, (), "'version' is missing"),
    (without(GEZIN, lambda files: files), "about.yaml", (), "section 'kinderen' is in no file: add it"),
    (
        plain_files() | {"99.yaml": {"version": "2026-01-01", "sections": [plain_section("kinderen")]}},
        "99.yaml",
        ("sections", 0, "code"),
        "section 'kinderen' stands in two places: remove one",
    ),
    (
        plain_files() | {"99.yaml": {"version": "2026-01-01", "sections": [plain_section("vrienden")]}},
        "99.yaml",
        ("sections", 0, "code"),
        "'vrienden' is unknown: choose one of nu_veilig",
    ),
    (
        without("intro", lambda files: section_of(files, "kinderen")),
        GEZIN,
        ("sections", 0),
        "'intro' is missing",
    ),
    (without("phase", lambda files: item_of(files, "kinderen")), GEZIN, ITEM, "'phase' is missing"),
    (with_item(code="vertrek_1"), file_of("vertrek"), (*ITEM, "code"), "'vertrek_1' stands twice"),
    (with_item(code="Met spatie"), GEZIN, (*ITEM, "code"), "is no code"),
    (with_item(code=7), GEZIN, (*ITEM, "code"), "is no code"),
    (with_item(code="x" * 41), GEZIN, (*ITEM, "code"), "is no code"),
    (with_item(title={"nl": "x"}), GEZIN, (*ITEM, "title"), "'en' is missing: add it"),
    (with_item(title=both("x") | {"de": "x"}), GEZIN, (*ITEM, "title", "de"), "unknown key 'de'"),
    (with_item(title="x"), GEZIN, (*ITEM, "title"), "must be a mapping with nl, en"),
    (
        with_item(title={"nl": "x" * 61, "en": "x"}),
        GEZIN,
        (*ITEM, "title", "nl"),
        "make it 1 shorter, 60 at most",
    ),
    (with_item(text={"nl": "x", "en": "x" * 330}), GEZIN, (*ITEM, "text", "en"), "make it 10 shorter"),
    (with_item(text={"nl": " ", "en": "x"}), GEZIN, (*ITEM, "text", "nl"), "must be a text: write one"),
    (with_item(text={"nl": "x\ny", "en": "x"}), GEZIN, (*ITEM, "text", "nl"), "must be one line"),
    (with_item(text={"nl": "x ", "en": "x"}), GEZIN, (*ITEM, "text", "nl"), "must be one line"),
    (with_item(text={"nl": None, "en": "x"}), GEZIN, (*ITEM, "text", "nl"), "must be a text"),
    (with_item(warning="x"), GEZIN, (*ITEM, "warning"), "must be a mapping"),
    (with_item(source="x" * 161), GEZIN, (*ITEM, "source"), "make it 1 shorter"),
    (
        with_item(phase="soon"),
        GEZIN,
        (*ITEM, "phase"),
        "'soon' is unknown: choose one of home, leaving, after",
    ),
    (with_item(phase=["home"]), GEZIN, (*ITEM, "phase"), "is unknown"),
    (with_item(danger=4), GEZIN, (*ITEM, "danger"), "4 is no level: give a whole number from 0 to 3"),
    (with_item(danger=-1), GEZIN, (*ITEM, "danger"), "is no level"),
    (with_item(danger=True), GEZIN, (*ITEM, "danger"), "is no level"),
    (with_item(danger=1.0), GEZIN, (*ITEM, "danger"), "is no level"),
    (with_item(calls="yes"), GEZIN, (*ITEM, "calls"), "neither true nor false"),
    (with_item(when={}), GEZIN, (*ITEM, "when"), "leave `when` out"),
    (with_item(when=True), GEZIN, (*ITEM, "when"), "leave `when` out"),
    (with_item(when={"rich": True}), GEZIN, (*ITEM, "when", "rich"), "choose one of lives_together, wants"),
    (with_item(when={"pets": "yes"}), GEZIN, (*ITEM, "when", "pets"), "neither true nor false"),
    (with_item(when={"wants": "leaving"}), GEZIN, (*ITEM, "when", "wants"), "must be a list"),
    (with_item(when={"wants": ["flying"]}), GEZIN, (*ITEM, "when", "wants", 0), "'flying' is unknown"),
    (with_item(status="done"), GEZIN, (*ITEM, "status"), "unknown key 'status'"),
    (
        without("warning", lambda files: item_of(files, "documenten_nalatenschap")),
        NALATENSCHAP,
        ITEM,
        "'warning' is missing: say what the other person may see",
    ),
    (with_letter(code="vertrek_1"), file_of("vertrek"), (*ITEM, "code"), "stands twice"),
    (with_letter(code="kinderen_1"), GEZIN, (*LETTER, "code"), "stands twice"),
    (with_letter(checked_by="a lawyer"), GEZIN, LETTER, "go together"),
    (with_letter(checked_on="2026-02-03"), GEZIN, LETTER, "go together"),
    (with_letter(checked_by="a", checked_on="today"), GEZIN, (*LETTER, "checked_on"), "is no date"),
    (with_letter(checked_by="a", checked_on=7), GEZIN, (*LETTER, "checked_on"), "is no date"),
    (with_letter(checked_by="", checked_on="2026-02-03"), GEZIN, (*LETTER, "checked_by"), "must be a text"),
]


@pytest.mark.parametrize(("files", "file", "path", "said"), FAULTS)
def test_a_fault_is_told_with_file_and_entry(
    files: dict[str, Any], file: str, path: tuple[str | int, ...], said: str
) -> None:
    bad = refusal(files)
    assert (bad.file, bad.path) == (file, path)
    assert said in bad.message


def screen(code: str = "first", items: Any = ("nu_veilig_1",)) -> dict[str, Any]:
    return {
        "code": code,
        "title": both("screen"),
        "items": list(items) if isinstance(items, tuple) else items,
    }


@pytest.mark.parametrize(
    ("screens", "path", "said"),
    [
        ([screen()] * 8, (), "8 screens are too many for a bad moment: at most 7"),
        ([screen(items=("nu_veilig_1",) * 5)], (0, "items"), "5 items are too many"),
        ([screen(items=())], (0, "items"), "at least one entry"),
        (
            [screen(items=("kinderen_1",))],
            (0, "items", 0),
            "no item of nu_veilig, codewoord, vluchttas, vertrek",
        ),
        ([screen(items=("nobody",))], (0, "items", 0), "no item of"),
        ([screen(items=([],))], (0, "items", 0), "no item of"),
        ([screen(), screen("second")], (1, "items", 0), "'nu_veilig_1' stands on two screens"),
        ([screen(), screen(items=("vertrek_1",))], (1, "code"), "'first' stands twice"),
        ([screen("vertrek")], (0, "code"), "'vertrek' stands twice"),
        ([{"code": "first"}], (0,), "'title' is missing"),
    ],
)
def test_a_short_way_that_is_not_short_or_not_there_is_refused(
    screens: list[Any], path: tuple[str | int, ...], said: str
) -> None:
    bad = refusal(with_about(acute=screens))
    assert (bad.file, bad.path) == ("about.yaml", ("acute", *path))
    assert said in bad.message


def test_the_same_code_twice_in_one_section_is_refused() -> None:
    files = plain_files()
    section_of(files, "kinderen")["items"].append(plain_item("kinderen_1"))
    assert refusal(files).path == ("sections", 0, "items", 1, "code")
