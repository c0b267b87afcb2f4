"""Limits out of a file and of single orders: read, changed, judged by, told of."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from api.alerts import service as alerts
from api.alerts.model import AlertState, EventKind, Family
from api.geofence.memory import Memory
from api.geofence.model import BadLimits, Limits, LimitsChanged
from api.geofence.service import limits
from api.geofence.service.limits import OrderLimits, read_house_limits
from api.geofence.service.sweeping import Sweeper
from api.geofence.store import limits as store
from api.kernel.config import SettingError
from api.kernel.db import reading, transaction
from api.orders import service as orders
from api.orders.model import OrderNotFound
from tests.factories import NOW
from tests.geofence.desk import INSIDE_PLACE, Desk
from tests.orders import register
from tests.scene import FAR, HOME, make_scene, position

HOUSE = Limits()
ACTOR = uuid.UUID(int=77)


def file_of(home: Path, content: str) -> Path:
    path = home / "limits.toml"
    path.write_text(content, encoding="utf-8")
    return path


def fault_of(path: Path) -> str:
    with pytest.raises(SettingError) as error:
        read_house_limits(path)
    said = str(error.value)
    assert str(path) in said
    assert "\n" not in said
    return said


def show(engine: Engine, order_id: UUID, house: Limits = HOUSE) -> OrderLimits:
    with reading(engine) as session:
        return limits.show_limits(session, order_id, house)


def change(
    engine: Engine, order_id: UUID, house: Limits = HOUSE, *, now: datetime = NOW, **overrides: Any
) -> OrderLimits:
    with transaction(engine) as session:
        seen = limits.show_limits(session, order_id, house)
        return limits.change_limits(session, seen, overrides, "he has moved next door", ACTOR, now)


def audit_of(engine: Engine, act: str) -> list[str]:
    with reading(engine) as session:
        rows = session.execute(text("SELECT reason FROM audit WHERE act = :act ORDER BY at"), {"act": act})
        return [reason for (reason,) in rows]


def add_order(engine: Engine) -> UUID:
    with transaction(engine) as session:
        return register.add_order(session).id


def test_without_a_file_the_defaults_hold() -> None:
    assert read_house_limits(None) == Limits()


@pytest.mark.parametrize("content", ["", "[limits]\n", "# nothing yet\n"])
def test_a_file_that_changes_nothing_leaves_the_defaults(tmp_path: Path, content: str) -> None:
    assert read_house_limits(file_of(tmp_path, content)) == Limits()


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    path = file_of(tmp_path, "[limits]\nsilence_s = 300\nconfirm_fixes = 1\n")
    assert read_house_limits(path) == Limits(silence_s=300.0, confirm_fixes=1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[limits]\nsilense_s = 300\n", "'silense_s': There is no such limit; the nearest is silence_s."),
        ("[limits]\nsilence_s = '5 min'\n", "'silence_s': Must be a number from 60 to 14400 (s)."),
        ("[limits]\nsilence_s = nan\n", "'silence_s': Must be from 60 to 14400 (s)."),
        ("[limits]\nsilence_s = 5\n", "'silence_s': Must be from 60 to 14400 (s)."),
        ("[limits]\nsilence_s = 90\n", "near_silence_s (120) must not be more than silence_s (90)."),
        ('[limits]\n"two\\nlines" = 90\n', "'two\\nlines': There is no such limit"),
        ("[limits]\nlate_s = 1\nleave_s = -1\n", "'leave_s': Must be from 0 to 900 (s)."),
        ("silence_s = 300\n", "'silence_s': give one table [limits]"),
        ("limits = 300\n", "'limits': give one table [limits]"),
        ("[limits]\n[other]\n", "'other': give one table [limits]"),
        ("[limits\n", "is not TOML in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_is_told_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    assert said in fault_of(file_of(tmp_path, content))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert "BAKEN_LIMITS" in fault_of(tmp_path / "nowhere.toml")
    assert "BAKEN_LIMITS" in fault_of(tmp_path)
    (tmp_path / "latin").write_bytes(b"# \xe9\n")
    assert "UTF-8" in fault_of(tmp_path / "latin")


def test_an_order_has_the_house_s_limits_until_it_has_its_own(engine: Engine) -> None:
    order_id = add_order(engine)
    shown = show(engine, order_id)
    assert (shown.version, shown.overrides, shown.effective, shown.versions) == (0, {}, HOUSE, ())
    with pytest.raises(OrderNotFound):
        show(engine, uuid.uuid4())


def test_a_change_is_kept_with_author_moment_and_reason_and_overwrites_nothing(engine: Engine) -> None:
    order_id, later = add_order(engine), NOW + timedelta(hours=1)
    change(engine, order_id, silence_s=300, near_silence_s=60)
    changed = change(engine, order_id, now=later, silence_s=240)
    assert changed == show(engine, order_id)
    assert changed.effective == Limits(silence_s=240.0)
    newest, first = changed.versions
    assert (newest.version, newest.overrides, newest.since) == (2, {"silence_s": 240.0}, later)
    assert (first.version, first.overrides) == (1, {"silence_s": 300.0, "near_silence_s": 60.0})
    assert (first.author_id, first.since, first.reason) == (ACTOR, NOW, "he has moved next door")


def test_a_change_is_in_the_audit_trail_and_the_worker_is_told(engine: Engine) -> None:
    order_id = add_order(engine)
    with reading(engine) as session:
        before = orders.latest_revision(session)
    change(engine, order_id, silence_s=300, confirm_fixes=1)
    with reading(engine) as session:
        assert [made.order_id for made in orders.changes_after(session, before)] == [order_id]
    change(engine, order_id, now=NOW + timedelta(seconds=1))
    assert audit_of(engine, "geofence.change_limits") == [
        "version 1: confirm_fixes 1, silence_s 300; he has moved next door",
        "version 2: as the house; he has moved next door",
    ]
    assert show(engine, order_id).effective == HOUSE


def test_what_an_order_may_not_have_of_its_own_is_refused_and_nothing_is_kept(engine: Engine) -> None:
    order_id = add_order(engine)
    with pytest.raises(BadLimits) as bad:
        change(engine, order_id, late_s=60, silence_s=300)
    assert list(bad.value.fields) == ["late_s"]
    assert show(engine, order_id).versions == ()


def test_a_change_of_what_has_changed_since_is_refused(engine: Engine) -> None:
    order_id = add_order(engine)
    seen = show(engine, order_id)
    change(engine, order_id, silence_s=300)
    with transaction(engine) as session, pytest.raises(LimitsChanged):
        limits.change_limits(session, seen, {"silence_s": 400}, "as well", ACTOR, NOW)
    assert show(engine, order_id).overrides == {"silence_s": 300.0}


def test_a_running_worker_judges_an_order_by_its_own_limits_from_the_change_on(engine: Engine) -> None:
    scene, other, desk = make_scene(engine), make_scene(engine), Desk(engine)
    assert desk.memory.places[scene.ankle.id][0].watched.limits == HOUSE
    change(engine, scene.order_id, confirm_fixes=1)
    with reading(engine) as session:
        assert desk.memory.refresh(session)
    doubtful = {"acc": 90}
    desk.take(position(other.ankle, INSIDE_PLACE, NOW, **doubtful))
    assert "zone_breach" not in desk.kinds()
    desk.take(position(scene.ankle, INSIDE_PLACE, NOW, **doubtful))
    assert "zone_breach" in desk.kinds()


def test_a_restarted_worker_judges_as_the_one_before(engine: Engine) -> None:
    scene = make_scene(engine)
    change(engine, scene.order_id, confirm_fixes=1, closing_eta_s=600)
    desk = Desk(engine)
    (place,) = desk.memory.places[scene.ankle.id]
    assert place.watched.limits == Limits(confirm_fixes=1, closing_eta_s=600.0)
    (hers,) = desk.memory.places[scene.phone.id]
    assert hers.watched.limits == place.watched.limits


def test_late_data_is_judged_by_the_order_s_limits_too(engine: Engine) -> None:
    """How old her position may be, held against his of the same time, is the order's to say."""
    scene, patient = make_scene(engine), make_scene(engine)
    change(engine, patient.order_id, partner_stale_s=1200)
    desk = Desk(engine)
    for one in (scene, patient):
        desk.take(position(one.phone, FAR, NOW - timedelta(seconds=1500)))
        desk.take(position(one.ankle, FAR, NOW))
        # ten minutes after hers, told late
        desk.take(position(one.ankle, FAR, NOW - timedelta(seconds=900), delay_s=900))
    with reading(engine) as session:
        told = {
            entry.event["order_id"]: entry.event["doubts"]
            for entry in alerts.entries_after(session, 0, 1000)
            if entry.event and entry.event["kind"] == EventKind.LATE_DATA_BREACH
        }
    assert told == {str(scene.order_id): ["partner_stale"], str(patient.order_id): []}


class Watchdog:
    """One that sweeps when told to, and says whom it misses."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.sweeper = engine, Sweeper(HOUSE)
        with transaction(engine) as session:
            self.sweeper.load(session, NOW)

    def missed(self, seconds: float) -> set[UUID | None]:
        with transaction(self.engine) as session:
            self.sweeper.sweep(session, NOW + timedelta(seconds=seconds))
        with reading(self.engine) as session:
            told = alerts.list_alerts(session, {AlertState.OPEN})
        return {view.alert.order_id for view in told if view.alert.family is Family.CONTACT}


def test_silence_is_measured_by_each_order_s_limits(engine: Engine) -> None:
    scene, strict, desk = make_scene(engine), make_scene(engine), Desk(engine)
    for one in (scene, strict):
        desk.take(position(one.ankle, FAR, NOW), position(one.phone, HOME, NOW))
    watchdog = Watchdog(engine)
    change(engine, strict.order_id, near_silence_s=40, silence_s=90, reach_speed_m_s=70)
    assert watchdog.missed(35) == set()
    assert watchdog.missed(95) == {strict.order_id}
    assert watchdog.missed(HOUSE.silence_s + 1) == {strict.order_id, scene.order_id}


def test_an_order_whose_limits_the_house_s_contradict_is_judged_by_the_house_s_and_told_of(
    engine: Engine,
) -> None:
    scene = make_scene(engine)
    change(engine, scene.order_id, silence_s=130)
    house = Limits(near_silence_s=200.0)
    with transaction(engine) as session:
        limits.tell_unusable(session, HOUSE, NOW)
    desk = Desk(engine)
    assert desk.alerts() == []
    with transaction(engine) as session:
        limits.tell_unusable(session, house, NOW)
    (alert,) = desk.alerts()
    assert (alert.kind, alert.order_id, alert.ongoing) == ("system_degraded", scene.order_id, True)
    shown = show(engine, scene.order_id, house)
    assert (shown.usable, shown.effective, shown.overrides) == (False, house, {"silence_s": 130.0})
    memory = Memory(house)
    with reading(engine) as session:
        memory.restore(session, NOW)
    assert memory.places[scene.ankle.id][0].watched.limits == house
    assert change(engine, scene.order_id, house, silence_s=300).usable
    (alert,) = desk.alerts()
    assert not alert.ongoing


def test_by_which_limits_the_house_judges_is_in_the_audit_trail(engine: Engine) -> None:
    with transaction(engine) as session:
        limits.note_house_limits(session, Limits(), NOW)
        limits.note_house_limits(session, Limits(), NOW + timedelta(minutes=1))
        limits.note_house_limits(session, Limits(silence_s=300.0, confirm_fixes=1), NOW + timedelta(hours=1))
    with reading(engine) as session:
        assert store.list_house(session) == [
            (NOW, Limits()),
            (NOW + timedelta(hours=1), Limits(silence_s=300.0, confirm_fixes=1)),
        ]
    assert audit_of(engine, "geofence.use_limits") == [
        "the defaults",
        "the defaults",
        "confirm_fixes 1, silence_s 300",
    ]
