"""What reaches her: a kind that is off never does, quiet hours go by her own clocks."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.model import Channel, EventKind
from api.alerts.model.playbooks import HerDefault, Target
from api.alerts.model.policies import AlertPolicy, BadPolicy, Decider, PolicyDraft, QuietHours
from api.alerts.rules.policies import (
    check_policy,
    is_quiet,
    is_to_her,
    offered_kinds,
    reaches_her,
    sift,
    withheld_by,
)
from api.alerts.rules.telling import CHOSEN_TEXT, Recipient, wording_of
from api.kernel.config import COVERS
from api.safety_plans.model import cover_named
from tests.alerts.stage import PLAYBOOK
from tests.factories import NOW

HER = UUID(int=100)
ZONE = "Europe/Amsterdam"
NIGHT = QuietHours("22:30", "07:00", ZONE)
KINDS = [kind.value for kind in EventKind]
DEFAULT = HerDefault("an authority", frozenset({"sos", "zone_breach"}))

clocks = st.builds(lambda h, m: f"{h:02d}:{m:02d}", st.integers(0, 23), st.integers(0, 59))
quiets = st.builds(QuietHours, clocks, clocks, st.sampled_from([ZONE, "America/New_York", "Asia/Kolkata"]))
kind_sets = st.none() | st.frozensets(st.sampled_from(KINDS))
wishes = st.builds(PolicyDraft, kind_sets, st.none() | quiets, st.booleans(), st.integers(0, 2))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds


def policy(
    kinds: frozenset[str] | None = None,
    quiet: QuietHours | None = None,
    *,
    rings: bool = True,
    person_id: UUID = HER,
) -> AlertPolicy:
    return AlertPolicy(person_id, 1, PolicyDraft(kinds, quiet, rings, 0), UUID(int=9), NOW)


def local(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE), fold=fold).astimezone(UTC)


@given(wishes, st.sampled_from(KINDS), st.integers(1, 5), moments)
def test_a_kind_that_is_off_never_reaches_her(
    wish: PolicyDraft, kind: str, severity: int, now: datetime
) -> None:
    hers = AlertPolicy(HER, 1, wish, UUID(int=9), NOW)
    on = DEFAULT.kinds if wish.kinds is None else wish.kinds
    if kind not in on:
        assert not reaches_her(hers, DEFAULT, kind, severity, now)


@given(wishes, st.sampled_from(KINDS), moments)
def test_severity_1_rings_at_night_unless_she_says_no(wish: PolicyDraft, kind: str, now: datetime) -> None:
    hers = AlertPolicy(HER, 1, wish, UUID(int=9), NOW)
    on = kind in (DEFAULT.kinds if wish.kinds is None else wish.kinds)
    is_night = wish.quiet is not None and is_quiet(wish.quiet, now)
    assert reaches_her(hers, DEFAULT, kind, 1, now) == (on and (wish.rings_severity_1 or not is_night))
    assert reaches_her(hers, DEFAULT, kind, 2, now) == (on and not is_night)


@given(st.sampled_from(KINDS), st.integers(1, 5), moments)
def test_without_a_wish_the_default_counts_at_all_hours(kind: str, severity: int, now: datetime) -> None:
    assert reaches_her(None, DEFAULT, kind, severity, now) == (kind in DEFAULT.kinds)


@given(clocks, clocks, moments)
def test_the_quiet_hours_and_the_others_make_the_whole_day(begin: str, until: str, now: datetime) -> None:
    if begin != until:
        day, night = QuietHours(begin, until, ZONE), QuietHours(until, begin, ZONE)
        assert is_quiet(day, now) != is_quiet(night, now)


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-11-23T22:29:59", False),
        ("2026-11-23T22:30", True),
        ("2026-11-24T00:00", True),
        ("2026-11-24T06:59:59", True),
        ("2026-11-24T07:00", False),
        ("2026-07-01T22:30", True),
        ("2026-07-01T07:00", False),
        # The night of 2026-03-29 has 02:00 to 03:00 not at all, that of 2026-10-25 has it twice.
        ("2026-03-29T01:59", True),
        ("2026-03-29T03:00", True),
        ("2026-03-29T07:00", False),
        ("2026-10-25T06:59", True),
        ("2026-10-25T07:00", False),
    ],
)
def test_the_night_is_the_night_of_her_clocks_in_summer_and_winter(at: str, quiet: bool) -> None:
    assert is_quiet(NIGHT, local(at)) is quiet


def test_an_hour_that_comes_twice_is_quiet_twice_and_one_that_is_skipped_is_as_long_as_it_is() -> None:
    early = QuietHours("02:00", "03:00", ZONE)
    autumn = [local("2026-10-25T01:00") + timedelta(minutes=10 * n) for n in range(30)]
    assert sum(is_quiet(early, at) for at in autumn) == 12
    spring = [local("2026-03-29T00:00") + timedelta(minutes=10 * n) for n in range(30)]
    assert sum(is_quiet(early, at) for at in spring) == 0


@pytest.mark.parametrize("zone", ["Nowhere/Else", "", "../etc", "Europe", "a\x00b", "/etc/localtime"])
def test_a_time_zone_that_is_not_known_is_never_quiet_and_is_refused(zone: str) -> None:
    quiet = QuietHours("00:00", "23:59", zone)
    assert not is_quiet(quiet, NOW)
    with pytest.raises(BadPolicy) as refused:
        check_policy(PolicyDraft(None, quiet, True, 0), frozenset())
    assert refused.value.fields.keys() == {"quiet"}


def test_who_decided_is_told() -> None:
    assert withheld_by(None, DEFAULT, "jam_shield", 2, NOW) is Decider.DEFAULT
    assert withheld_by(policy(), DEFAULT, "jam_shield", 2, NOW) is Decider.DEFAULT
    assert withheld_by(policy(frozenset()), DEFAULT, "sos", 1, NOW) is Decider.HER
    assert withheld_by(policy(None, NIGHT, rings=False), DEFAULT, "sos", 1, local("2026-11-23T23:00")) is (
        Decider.HER
    )
    assert withheld_by(policy(frozenset({"jam_shield"})), DEFAULT, "jam_shield", 2, NOW) is None


def test_only_what_is_for_her_is_left_out() -> None:
    other = UUID(int=101)
    recipients = {
        Recipient(Channel.PERSON_STREAM, HER): "warn_her",
        Recipient(Channel.WEB_PUSH, HER): "warn_her",
        Recipient(Channel.DEVICE, HER, UUID(int=200)): "warn_her_device",
        Recipient(Channel.PERSON_STREAM, other): "warn_her",
        Recipient(Channel.DEVICE, None, UUID(int=1)): "turn_back",
        Recipient(Channel.SMS, target=Target.OFFICER): "officer",
    }
    sifted = sift(recipients, {HER: policy(frozenset())}, DEFAULT, "zone_breach", 1, NOW)
    assert sifted.withheld == {HER: Decider.HER}
    assert [one for one in sifted.told if is_to_her(one)] == [Recipient(Channel.PERSON_STREAM, other)]
    assert {one.channel for one in sifted.told} == {Channel.PERSON_STREAM, Channel.DEVICE, Channel.SMS}
    assert sifted.silent == {"warn_her_device"}


def test_she_chooses_among_what_the_playbook_can_tell_her() -> None:
    offered = offered_kinds(PLAYBOOK)
    assert offered == PLAYBOOK.her.kinds
    assert "external_sighting" not in offered


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (PolicyDraft(frozenset({"battery_low"}), None, True, 0), "topics"),
        (PolicyDraft(frozenset({"no such"}), None, True, 0), "topics"),
        (PolicyDraft(None, QuietHours("24:00", "07:00", ZONE), True, 0), "quiet"),
        (PolicyDraft(None, QuietHours("7:00", "08:00", ZONE), True, 0), "quiet"),
        (PolicyDraft(None, QuietHours("07:00", "08:00\n", ZONE), True, 0), "quiet"),
        (PolicyDraft(None, QuietHours("07:00", "07:00", ZONE), True, 0), "quiet"),
        (PolicyDraft(None, QuietHours("07:00", "08:00", "x" * 65), True, 0), "quiet"),
        (PolicyDraft(None, None, True, 3), "text"),
        (PolicyDraft(None, None, True, -1), "text"),
    ],
)
def test_a_wish_that_cannot_be_kept_is_refused_with_its_field(wish: PolicyDraft, field: str) -> None:
    with pytest.raises(BadPolicy) as refused:
        check_policy(wish, frozenset({"sos"}))
    assert list(refused.value.fields) == [field]


@given(st.booleans(), st.integers(0, 2))
def test_every_wish_that_names_what_is_offered_can_be_kept(rings: bool, wording: int) -> None:
    check_policy(PolicyDraft(frozenset({"sos"}), NIGHT, rings, wording), frozenset({"sos"}))
    check_policy(PolicyDraft(frozenset(), None, rings, wording), frozenset())


@pytest.mark.parametrize("name", COVERS)
def test_each_cover_has_three_neutral_texts_and_an_unknown_one_is_the_first(name: str) -> None:
    cover = cover_named(name)
    assert len({cover.text(n) for n in range(3)}) == 3
    assert cover.text(3) == cover.text(-1) == cover.neutral_text == cover.text(0)
    assert [wording_of({CHOSEN_TEXT: said}) for said in (2, "2", None)] == [2, 0, 0]
    assert wording_of({}) == 0
