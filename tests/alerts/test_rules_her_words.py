"""The words for protected people: none is missing, none promises anything, both languages say the same."""

import copy
import re
from typing import Any

import pytest
import yaml

from api.alerts.model import Doubt, EventKind, ResolveReason
from api.alerts.model.her_view import BadWords
from api.alerts.rules.her_words import KINDS, parse_words
from api.alerts.rules.joining import opens_alerts
from api.alerts.rules.policies import offered_kinds
from api.alerts.service import read_playbook, read_words
from api.alerts.service.her_view import WORDS
from api.kernel.config import PLAYBOOKS

DATA = yaml.safe_load(WORDS.read_text())
ALL = read_words()
PROMISES = re.compile(
    r"\b(safe\w*|veilig\w*|protected|beschermd|danger|gevaar|victim|offender|dader)\b", re.IGNORECASE
)


def test_every_kind_that_can_reach_her_has_words_whatever_playbook_a_house_goes_by() -> None:
    assert {kind.value for kind in EventKind if opens_alerts(kind)} - KINDS == {"external_sighting"}
    for name in ("nl", "es", "ro"):
        playbook, _text = read_playbook(PLAYBOOKS / f"{name}.yaml")
        assert offered_kinds(playbook) <= KINDS
    for words in ALL.values():
        assert words.what.keys() == KINDS
        assert words.reasons.keys() == {reason.value for reason in ResolveReason}
        assert words.doubts.keys() == {doubt.value for doubt in Doubt} | {"could_be_nearer"}


def sentences(said: Any) -> list[str]:
    if isinstance(said, dict):
        return [one for value in said.values() for one in sentences(value)]
    return [one for value in said for one in sentences(value)] if isinstance(said, list) else [str(said)]


def test_no_sentence_promises_anything_or_names_anybody() -> None:
    for said in sentences(DATA["languages"]):
        assert not PROMISES.search(said), said


def test_all_languages_say_the_same_things() -> None:
    english, dutch = DATA["languages"]["en"], DATA["languages"]["nl"]
    assert {kind: one["advice"] for kind, one in english["kinds"].items()} == {
        kind: one["advice"] for kind, one in dutch["kinds"].items()
    }
    assert {name: len(one) for name, one in english["advice"].items()} == {
        name: len(one) for name, one in dutch["advice"].items()
    }


def changed(path: str, value: Any) -> Any:
    data = copy.deepcopy(DATA)
    *way, last = path.split(".")
    place = data
    for name in way:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("version", None, "top"),
        ("languages.nl", None, "languages"),
        ("languages.nl", "words", "languages.nl"),
        ("languages.en.kinds.sos", None, "languages.en.kinds"),
        ("languages.en.kinds.zone_left", {"what": "x", "advice": "near"}, "languages.en.kinds"),
        ("languages.en.kinds.sos.what", 7, "languages.en.kinds.sos"),
        ("languages.en.kinds.sos.what", " ", "languages.en.kinds.sos"),
        ("languages.en.kinds.sos.what", "x" * 201, "languages.en.kinds.sos"),
        ("languages.en.kinds.sos.what", "at {place}", "languages.en.kinds.sos"),
        ("languages.en.kinds.sos.advice", "fly", "languages.en.advice"),
        ("languages.en.advice.over", None, "languages.en.advice"),
        ("languages.en.advice.near", [], "languages.en.advice.near"),
        ("languages.en.reasons.false_alarm", None, "languages.en.reasons"),
        ("languages.en.bands.under_500_m", None, "languages.en.bands"),
        ("languages.en.told.by_default", "Nobody.", "languages.en.told.by_default"),
        ("languages.en.sentences.his_age", "It was old.", "languages.en.sentences.his_age"),
        ("languages.en.sentences.taken", "Taken {", "languages.en.sentences.taken"),
        ("languages.en.durations.day", ["day"], "languages.en.durations.day"),
    ],
)
def test_words_that_are_missing_or_too_many_are_refused_with_their_place(
    path: str, value: Any, where: str
) -> None:
    with pytest.raises(BadWords) as refused:
        parse_words(changed(path, value))
    assert str(refused.value).startswith(f"{where}: ")
