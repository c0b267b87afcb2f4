"""The shipped list is whole, says nothing that calms wrongly, and a list that could is refused."""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.kernel.config import CONTENT, SettingError
from api.kernel.content import Language
from api.safety_plans.model.screening import CORE, QUESTIONS, Asker, Concern
from api.safety_plans.rules.red_flags import parse_red_flags
from api.safety_plans.service.screening import FILE, read_red_flags

FLAGS = read_red_flags(CONTENT)
PLAIN: dict[str, Any] = yaml.safe_load((CONTENT / FILE).read_text(encoding="utf-8"))
CALMING = re.compile(
    r"\b(safe|safely|low|low-risk|undetectable|risk score|laag|lage|onvindbaar)\b"
    r"|\b(victims?|offenders?|slachtoffers?|daders?)\b"
    r"|(?<!Blijf )\bveilige?\b(?! Thuis)|%",
    re.IGNORECASE,
)
GENDERED = re.compile(
    r"\b(hij|zij|hem|haar|zijn partner|he|she|his|her|him|man|vrouw|wife|husband)\b", re.IGNORECASE
)
PHONE = re.compile(r"\b112\b|\b0800-2000\b")


def texts_in(said: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(said, dict):
        for key, one in said.items():
            yield from texts_in(one, f"{path}.{key}")
    elif isinstance(said, list):
        for place, one in enumerate(said):
            yield from texts_in(one, f"{path}.{place}")
    elif re.search(r"\.(nl|en)(\.\d+)?$", path):
        yield path, said


TEXTS = dict(texts_in(PLAIN))


def test_the_list_has_the_eleven_flags_and_the_eight_questions_for_every_asker_in_every_language() -> None:
    assert tuple(item.code for item in FLAGS.core) == CORE
    assert tuple(item.code for item in FLAGS.questions) == QUESTIONS
    for item in FLAGS.items:
        assert set(item.text) == set(Asker)
        assert all(set(words) == set(Language) for words in item.text.values())
        assert item.source


def test_the_list_says_that_nobody_reviewed_or_tested_it() -> None:
    assert (FLAGS.reviewer, FLAGS.is_validated) == ("none", False)
    assert "No expert has reviewed" in FLAGS.notice[Language.EN]
    assert "Geen deskundige" in FLAGS.notice[Language.NL]


def test_no_text_calms_names_a_sex_or_has_a_number_but_of_a_telephone() -> None:
    assert len(TEXTS) > 300
    found = {
        path: text
        for path, text in TEXTS.items()
        if CALMING.search(text) or GENDERED.search(text) or re.search(r"\d", PHONE.sub("", text))
    }
    assert found == {}


def test_nothing_ticked_says_that_the_list_proves_nothing_and_the_own_feeling_counts_more() -> None:
    for outcome in FLAGS.outcomes[Concern.NOTHING_TICKED].values():
        assert "proves nothing" in outcome.text[Language.EN]
        assert "own feeling" in outcome.text[Language.EN]
        assert "more than this list" in outcome.text[Language.EN]
        assert "bewijst niets" in outcome.text[Language.NL]
        assert "gevoel" in outcome.text[Language.NL]
        assert "meer dan deze lijst" in outcome.text[Language.NL]


def test_acute_danger_leads_to_112_first_and_every_class_names_it() -> None:
    for concern, outcomes in FLAGS.outcomes.items():
        for outcome in outcomes.values():
            ways = [way.to for way in outcome.ways]
            assert "emergency" in ways
            assert "veilig_thuis" in ways
            assert (ways[0] == "emergency") is (concern is Concern.ACUTE_DANGER)
            assert all("112" in w.text[one] for w in outcome.ways if w.to == "emergency" for one in Language)


def test_a_bystander_is_told_not_to_confront_and_not_to_write() -> None:
    avoid = " ".join(FLAGS.guidance[Asker.BYSTANDER].avoid[Language.EN])
    assert "Do not confront" in avoid
    assert "no messages" in avoid


def edited(change: Callable[[Any], None]) -> Any:
    plain = copy.deepcopy(PLAIN)
    change(plain)
    return plain


def _without_dutch(plain: Any) -> None:
    del plain["core"]["RV08"]["text"]["bystander"]["nl"]


def _without_a_flag(plain: Any) -> None:
    del plain["core"]["RV08"]


def _with_a_flag_too_many(plain: Any) -> None:
    plain["core"]["RV12"] = copy.deepcopy(plain["core"]["RV08"])


def _without_a_question(plain: Any) -> None:
    del plain["questions"]["V7"]


def _odd_circumstance(plain: Any) -> None:
    plain["context"]["X01"] = copy.deepcopy(plain["context"]["K01"])


def _strangulation_only_recent(plain: Any) -> None:
    plain["thresholds"]["serious_signs"].remove(["RV08"])


def _a_circumstance_that_leads_nowhere(plain: Any) -> None:
    plain["thresholds"]["signs"].remove(["K12"])


def _acute_begins_with_talk(plain: Any) -> None:
    plain["outcomes"]["acute_danger"]["herself"]["steps"].reverse()


def _unknown_term(plain: Any) -> None:
    plain["thresholds"]["signs"].append(["K99"])


def _odd_term(plain: Any) -> None:
    plain["thresholds"]["signs"].append([7])


def _unknown_fear(plain: Any) -> None:
    plain["fear"] = ["V9"]


def _no_fear(plain: Any) -> None:
    plain["fear"] = []


def _escalation_is_context(plain: Any) -> None:
    plain["escalation"] = "K01"


def _blank(plain: Any) -> None:
    plain["notice"]["en"] = "  "


def _long(plain: Any) -> None:
    plain["notice"]["en"] = "x" * 601


def _uneven(plain: Any) -> None:
    plain["guidance"]["bystander"]["avoid"]["nl"].pop()


def _days_as_text(plain: Any) -> None:
    plain["reask"]["after_days"] = "90"


def _no_days(plain: Any) -> None:
    plain["reask"]["after_days"] = 0


def _validated_as_text(plain: Any) -> None:
    plain["validated"] = "no"


def _date_as_text(plain: Any) -> None:
    plain["date"] = "yesterday"


def _number_as_key(plain: Any) -> None:
    plain["core"][7] = {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without_dutch, r"core\.RV08\.text\.bystander: missing \['nl'\]"),
        (_without_a_flag, r"core: missing \['RV08'\]"),
        (_with_a_flag_too_many, r"not known \['RV12'\]"),
        (_without_a_question, r"questions: missing \['V7'\]"),
        (_odd_circumstance, r"context\.X01: a circumstance"),
        (_strangulation_only_recent, r"thresholds\.serious_signs: name by themselves RV08"),
        (_a_circumstance_that_leads_nowhere, r"these lead to nothing: K12"),
        (_acute_begins_with_talk, r"begin with emergency, veilig_thuis, pathway"),
        (_unknown_term, r"thresholds\.signs\.17: give a code"),
        (_odd_term, r"thresholds\.signs\.17: give a code"),
        (_unknown_fear, r"fear: there is no 'V9'"),
        (_no_fear, r"fear: give a list"),
        (_escalation_is_context, r"escalation: there is no 'K01'"),
        (_blank, r"notice\.en: give a text"),
        (_long, r"notice\.en: give a text"),
        (_uneven, r"guidance\.bystander\.avoid: give equally many"),
        (_days_as_text, r"reask\.after_days: give a whole number from 1 to 366"),
        (_no_days, r"reask\.after_days: give a whole number"),
        (_validated_as_text, r"validated: give true or false"),
        (_date_as_text, r"date: give a date"),
        (_number_as_key, r"not known \['7'\]"),
    ],
)
def test_a_list_that_is_not_whole_is_refused_with_the_place(
    change: Callable[[Any], None], said: str, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text(yaml.safe_dump(edited(change), allow_unicode=True), encoding="utf-8")
    with pytest.raises(SettingError, match=said):
        read_red_flags(tmp_path)


@pytest.mark.parametrize("plain", [None, [], "x", 7, {}])
def test_something_else_than_a_list_is_refused(plain: Any, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(yaml.safe_dump(plain), encoding="utf-8")
    with pytest.raises(SettingError, match="top: give names with values"):
        read_red_flags(tmp_path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"a: [", r"this is not YAML"),
        (b"\xff\xfe\xff", "is not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "smaller than 1024 KiB"),
        (None, "set BAKEN_CONTENT"),
        (b"a: \x00", "not YAML"),
        (b"core: 1\ncore: 2\n", ":2: this is not YAML: 'core' stands twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(body: bytes | None, said: str, tmp_path: Path) -> None:
    if body is not None:
        (tmp_path / FILE).write_bytes(body)
    with pytest.raises(SettingError, match=said):
        read_red_flags(tmp_path)


def test_the_same_plain_data_gives_the_same_list() -> None:
    assert parse_red_flags(PLAIN) == FLAGS
