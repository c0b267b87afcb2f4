"""A history leaves one house and is whole in another: equal, judged the same, gone on with."""

from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from api.accounts import service as accounts
from api.accounts.model import Role
from api.alerts import service as alerts
from api.alerts.model import Channel, Family
from api.alerts.model.playbooks import TaskOutcome
from api.evidence.model.history import NoSuchOrder, NotEmpty
from api.evidence.model.history_plan import LEFT_OUT, PLAN
from api.evidence.service import history
from api.geofence.model import Limits
from api.kernel import ledger
from api.kernel.db import Base, reading, transaction
from api.orders import service as orders
from api.rehearsal.replay import replay
from tests.conftest import SERVER_KEY
from tests.evidence.history_house import (
    KINDS,
    STAFF,
    add_second_order,
    canonical,
    empty_house,
    everything_happens,
    export,
    rows_of,
    take,
)
from tests.geofence.desk import alarm
from tests.rehearsal.house import House, at, visit
from tests.scene import HOME, make_scene, position, received


def test_every_table_is_in_the_plan_or_left_out_with_a_reason() -> None:
    """Whoever adds a table decides: a `Part` in PLAN, or a line in LEFT_OUT that says why not."""
    planned = [part.table for part in PLAN]
    assert [name for name, count in Counter([*planned, *LEFT_OUT]).items() if count > 1] == []
    assert set(planned) | set(LEFT_OUT) == set(Base.metadata.tables)
    assert all(LEFT_OUT.values())


def test_a_row_stands_after_whatever_it_refers_to() -> None:
    rank = {part.table: number for number, part in enumerate(PLAN)}
    for part in PLAN:
        table = Base.metadata.tables[part.table]
        named = {key.column.table.name for key in table.foreign_keys}
        named |= {reference.table for reference in part.references.values()}
        assert all(rank[name] < rank[part.table] for name in named - {part.table}), part.table
        assert {key.parent.name for key in table.foreign_keys} <= set(part.references), part.table


def test_every_counter_of_the_database_is_named() -> None:
    counted = {
        table.name: column.name
        for table in Base.metadata.tables.values()
        if (column := table.autoincrement_column) is not None
    }
    assert {part.table: part.counter for part in PLAN if part.counter} == counted


@pytest.mark.parametrize("kind", KINDS)
def test_export_import_export_is_equal(engine: Engine, request: pytest.FixtureRequest, kind: str) -> None:
    scene, _house = everything_happens(engine)
    file, told = export(engine, scene.order_id)
    full = {part.table for part in PLAN} - set(told.header.counts)
    assert full == set(), "the stage fills every table"
    with empty_house(request, kind) as other:
        taken = take(other, file)
        assert (taken.rows, taken.sha256) == (told.rows, told.sha256)
        again, told_again = export(other, scene.order_id)
        assert told_again.canonical == told.canonical == canonical(file) == canonical(again)
        with empty_house(request, "sqlite", SERVER_KEY) as third:
            take(third, again)
            assert canonical(export(third, scene.order_id)[0]) == canonical(file)
            assert {row["act"] for row in rows_of(again, "audit")} > {"evidence.import_history"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_alert_is_judged_again_to_the_same_in_the_new_house(
    engine: Engine, request: pytest.FixtureRequest, kind: str
) -> None:
    scene, house = everything_happens(engine, sealed=False)
    every = [one for family, ids in house.alerts().items() if family is not Family.DRILL for one in ids]
    told = {one: replay(engine, Limits(), one, at(9000)) for one in every}
    assert {Family.APPROACH, Family.TAMPER, Family.CONTACT} <= set(house.alerts())
    file, _told = export(engine, scene.order_id)
    with empty_house(request, kind) as other:
        take(other, file)
        for alert_id, before in told.items():
            after = replay(other, Limits(), alert_id, at(9200))
            assert after.is_identical, after.events
            assert before.is_identical
            assert (after.messages, after.notes) == (before.messages, before.notes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_new_house_goes_on_where_the_old_one_was(
    sqlite_engine: Engine, request: pytest.FixtureRequest, kind: str
) -> None:
    scene = make_scene(sqlite_engine)
    old = House(sqlite_engine)
    messages = visit(scene)
    old.take(*messages[:12])
    file, _told = export(sqlite_engine, scene.order_id)
    with empty_house(request, kind) as other:
        take(other, file)
        new = House(other)
        for house in (old, new):
            house.restart(400)
        approach = old.alerts()[Family.APPROACH]
        assert new.alerts()[Family.APPROACH] == approach
        for house in (old, new):
            house.take(*messages[12:])
        assert new.alerts() == old.alerts()  # the same open alert was gone on with: nothing rang anew
        logs = []
        for house in (old, new):
            with reading(house.engine) as session:
                entries = alerts.news_after(session, 0, 1000)
            logs.append([(entry.seq, entry.kind, entry.at, entry.event) for entry, _view in entries])
        assert logs[0] == logs[1]
        assert len(logs[0]) > len(rows_of(file, "alert_entry"))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_was_imported_is_sent_again(
    sqlite_engine: Engine, request: pytest.FixtureRequest, kind: str
) -> None:
    scene, _house = everything_happens(sqlite_engine)
    with reading(sqlite_engine) as session:
        assert alerts.has_due(session, at(2400), Channel.POLICE_WEBHOOK)
    file, _told = export(sqlite_engine, scene.order_id)
    with reading(sqlite_engine) as session:  # the old house still has its messages to send
        assert alerts.has_due(session, at(2400), Channel.POLICE_WEBHOOK)
    states = Counter(row["state"] for row in rows_of(file, "notification"))
    assert states["pending"] == 0
    assert states["moved"] > 0
    with empty_house(request, kind) as other:
        take(other, file)
        with transaction(other) as session:
            for channel in Channel:
                assert not alerts.has_due(session, at(2400), channel)
            assert alerts.messages_after(session, None, 0, at(200), 100) == []
            assert alerts.expire_pending(session, at(999_999), 100) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_no_step_of_an_open_alert_begins_another_in_the_new_house(
    sqlite_engine: Engine, request: pytest.FixtureRequest, kind: str
) -> None:
    scene, _house = everything_happens(sqlite_engine)
    waiting = "SELECT count(*) FROM step_run WHERE state = 'waiting'"
    with reading(sqlite_engine) as session:
        before = session.scalar(text(waiting))
        calls = alerts.list_open_tasks(session)
    file, _told = export(sqlite_engine, scene.order_id)
    runs = rows_of(file, "step_run")
    assert sum(run["state"] == "ended" and "ended_at" not in run for run in runs) == before
    assert before
    with empty_house(request, kind) as other:
        take(other, file)
        with transaction(other) as session:
            assert session.scalar(text(waiting)) == 0
            assert alerts.escalate_due(session, at(999_999)) == 0
            opened = alerts.list_open_tasks(session)
            assert opened == calls  # somebody decides about each call: it is not lost, and begins nothing
            for call in opened:
                alerts.note_outcome(session, call.id, STAFF, TaskOutcome.NO_ANSWER, "", at(9300))
            assert not any(alerts.has_due(session, at(999_999), channel) for channel in Channel)
            assert alerts.list_open_tasks(session) == []
    with transaction(sqlite_engine) as session:  # the old house goes on as before
        assert session.scalar(text(waiting)) == before
        assert alerts.escalate_due(session, at(999_999)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_chain_of_the_new_house_holds_every_imported_row(
    sqlite_engine: Engine, request: pytest.FixtureRequest, kind: str
) -> None:
    scene, _house = everything_happens(sqlite_engine)
    file, _told = export(sqlite_engine, scene.order_id)
    with empty_house(request, kind) as other:
        take(other, file)
        with reading(other) as session:
            found = ledger.verify(session)
        assert found.faults == ()
        chained = [len(rows_of(file, table.name)) for table in ledger.chained_tables()]
        assert found.rows == sum(chained) + 1  # and the import itself


@pytest.mark.parametrize("kind", KINDS)
def test_counters_go_on_after_the_imported_numbers(
    sqlite_engine: Engine, request: pytest.FixtureRequest, kind: str
) -> None:
    scene, _house = everything_happens(sqlite_engine)
    file, _told = export(sqlite_engine, scene.order_id)
    with empty_house(request, kind) as other:
        take(other, file)
        new = House(other)
        new.take(received(scene.ankle, alarm("sos"), at(9300), "alarm"))
        new.change(orders.note_change, at(9301), scene.order_id)
        again, _told = export(other, scene.order_id)
        for part in PLAN:
            if part.counter is not None:
                before = [row[part.counter] for row in rows_of(file, part.table)]
                after = [row[part.counter] for row in rows_of(again, part.table)]
                assert after[: len(before)] == before
                assert len(after) > len(before), part.table


def test_names_and_keys_are_open_in_the_file_and_sealed_with_the_new_house_s_key(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    scene, _house = everything_happens(engine)
    sealed = make_scene(engine, sealed=True)
    file, _told = export(engine, sealed.order_id)
    assert [row["name"] for row in rows_of(file, "wearer")] == ["Wearer Name"]
    with empty_house(request, "sqlite") as other:
        take(other, file)
        with transaction(other) as session:
            assert orders.get_person(session, sealed.person_id, None, at(9300)).name == "Person Name"
            assert orders.get_device(session, sealed.ankle.id).sealing_key == sealed.ankle.sealing_key
            assert orders.authenticate_device(session, sealed.ankle.id, sealed.ankle_secret)
        with other.connect() as connection:
            stored = connection.execute(text("SELECT name_sealed FROM wearer")).scalar_one()
        assert b"Wearer" not in stored
    assert str(scene.order_id).encode() not in file
    assert scene.order_id.hex.encode() not in file


def test_an_order_that_shares_a_wearer_brings_the_other_s_register_and_nobody_s_name(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    scene = make_scene(engine)
    add_second_order(engine, scene.wearer_id)
    house = House(engine)
    house.take(*visit(scene))
    file, told = export(engine, scene.order_id)
    assert told.header.shared_with == 1
    assert len(rows_of(file, "protective_order")) == 2
    assert sorted(str(row["name"]) for row in rows_of(file, "protected_person")) == ["-", "Person Name"]
    with empty_house(request, "sqlite") as other:
        take(other, file)
        again, told_again = export(other, scene.order_id)
        assert told_again.header.shared_with == 1
        assert canonical(again) == canonical(file)
        (mine,) = [one for one in house.alerts()[Family.APPROACH] if order_of(engine, one) == scene.order_id]
        assert replay(engine, Limits(), mine, at(9000)).is_identical
        assert replay(other, Limits(), mine, at(9300)).is_identical


def order_of(engine: Engine, alert_id: UUID) -> UUID | None:
    with transaction(engine) as session:
        return alerts.get_alert(session, alert_id, STAFF, at(9000)).view.alert.order_id


def test_a_house_that_has_anything_takes_no_history(engine: Engine) -> None:
    scene, _house = everything_happens(engine)
    file, _told = export(engine, scene.order_id)
    with pytest.raises(NotEmpty, match="not empty"):
        take(engine, file)


def test_staff_accounts_and_their_acts_may_be_there(
    sqlite_engine: Engine, request: pytest.FixtureRequest
) -> None:
    scene, _house = everything_happens(sqlite_engine)
    file, _told = export(sqlite_engine, scene.order_id)
    with empty_house(request, "sqlite") as other:
        with transaction(other) as session:
            accounts.add_account(session, "operator", "a long password here", Role.OPERATOR, None, at(0))
        take(other, file)
        assert canonical(export(other, scene.order_id)[0]) == canonical(file)


def test_an_order_is_found_by_its_reference_or_its_id(sqlite_engine: Engine) -> None:
    scene = make_scene(sqlite_engine)
    with transaction(sqlite_engine) as session:
        reference = orders.get_order(session, scene.order_id).reference
        for name in (reference, str(scene.order_id), scene.order_id.hex):
            assert history.find_order(session, name) == scene.order_id
        for name in ("unknown", str(scene.wearer_id)):
            with pytest.raises(NoSuchOrder):
                history.find_order(session, name)


def test_a_history_without_any_message_moves_too(
    sqlite_engine: Engine, request: pytest.FixtureRequest
) -> None:
    scene = make_scene(sqlite_engine)
    file, told = export(sqlite_engine, scene.order_id)
    assert "house_limits" not in told.header.counts
    with empty_house(request, "postgresql") as other:
        take(other, file)
        assert canonical(export(other, scene.order_id)[0]) == canonical(file)


def test_positions_stay_the_same_to_the_last_bit(
    sqlite_engine: Engine, request: pytest.FixtureRequest
) -> None:
    scene = make_scene(sqlite_engine)
    House(sqlite_engine).take(position(scene.ankle, HOME, at(0), acc=0.1 + 0.2, lat=-0.0, lon=5e-324))
    file, _told = export(sqlite_engine, scene.order_id)
    (fix,) = rows_of(file, "fix")
    assert (repr(fix["lat"]), fix["lon"]) == ("0.0", 5e-324)
    with empty_house(request, "postgresql") as other:
        take(other, file)
        assert rows_of(export(other, scene.order_id)[0], "fix") == [fix]
