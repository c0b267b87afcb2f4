"""Devices and who carries them, on both databases."""

import uuid
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from api.kernel.db import reading, transaction
from api.orders import service
from api.orders.model import (
    Assignment,
    BadAssignment,
    BadDevice,
    Device,
    DeviceDraft,
    DeviceKind,
    DeviceNotFound,
    DeviceRetired,
    DeviceTaken,
    DeviceUnassigned,
    SimulatedOnRealOrder,
)
from api.orders.rules import shard_of
from api.orders.store.devices import add_assignment
from tests.orders.register import (
    add_device,
    add_order,
    add_person,
    add_wearer,
    assign_to_person,
    assign_to_wearer,
)

HOUR = timedelta(hours=1)


def history(engine: Engine, device: Device) -> list[tuple[UUID | None, datetime, datetime | None]]:
    with reading(engine) as session:
        return [
            (a.wearer_id or a.protected_person_id, a.assigned_at, a.unassigned_at)
            for a in service.list_assignments(session, device.id)
        ]


def test_a_device_is_given_back_as_it_was_registered(engine: Engine, now: datetime) -> None:
    draft = DeviceDraft(DeviceKind.PERSONAL_DEVICE, "nr. 7", True, True, False)
    with transaction(engine) as session:
        device, _ = service.add_device(session, draft, None, now)
    with reading(engine) as session:
        assert service.get_device(session, device.id) == device
        assert service.list_devices(session) == [device]
        assert service.list_devices(session, [device.id, uuid.uuid4()]) == [device]
    assert device.shard == shard_of(device.id)
    assert device.sealing_key is not None
    assert len(device.sealing_key) == 32


def test_neither_secret_nor_sealing_key_stands_in_the_database(engine: Engine, now: datetime) -> None:
    draft = DeviceDraft(DeviceKind.PHONE, "nr. 7", True, False, False)
    with transaction(engine) as session:
        device, secret = service.add_device(session, draft, None, now)
    with reading(engine) as session:
        (row,) = session.execute(text("SELECT * FROM device")).all()
    stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert secret.encode() not in stored
    assert device.sealing_key is not None
    assert device.sealing_key not in stored


def test_a_device_that_must_seal_needs_a_key(engine: Engine) -> None:
    with pytest.raises(BadDevice) as refusal, transaction(engine) as session:
        add_device(session, require_sealed=True)
    assert set(refusal.value.fields) == {"require_sealed"}


def test_a_device_is_known_by_its_secret_until_that_is_renewed(engine: Engine, now: datetime) -> None:
    draft = DeviceDraft(DeviceKind.PHONE, "nr. 7", False, False, False)
    with transaction(engine) as session:
        device, old = service.add_device(session, draft, None, now)
    with transaction(engine) as session:
        assert service.authenticate_device(session, device.id, old) == device
        assert service.authenticate_device(session, device.id, old + "x") is None
        assert service.authenticate_device(session, uuid.uuid4(), old) is None
        renewed, new = service.renew_secret(session, device.id, None, now)
    with reading(engine) as session:
        assert service.authenticate_device(session, device.id, old) is None
        assert service.authenticate_device(session, device.id, new) == renewed


def test_a_retired_device_is_known_no_longer_and_cannot_be_used(engine: Engine, now: datetime) -> None:
    draft = DeviceDraft(DeviceKind.PHONE, "nr. 7", False, False, False)
    with transaction(engine) as session:
        device, secret = service.add_device(session, draft, None, now)
        wearer_id = add_wearer(session)
        retired = service.retire_device(session, device.id, None, now)
        assert retired.retired_at == now
        assert service.retire_device(session, device.id, None, now + HOUR) == retired
    with transaction(engine) as session:
        assert service.authenticate_device(session, device.id, secret) is None
        with pytest.raises(DeviceRetired):
            assign_to_wearer(session, device, wearer_id)
        with pytest.raises(DeviceRetired):
            service.renew_secret(session, device.id, None, now)


def test_a_carried_device_cannot_be_retired(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        device = add_device(session)
        assign_to_wearer(session, device, add_wearer(session))
        with pytest.raises(DeviceTaken):
            service.retire_device(session, device.id, None, now)


def test_a_device_has_one_holder_at_a_time_and_a_history(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        device, wearer_id, person_id = add_device(session), add_wearer(session), add_person(session)
        assign_to_wearer(session, device, wearer_id)
        for assign, holder_id in ((assign_to_wearer, wearer_id), (assign_to_person, person_id)):
            with pytest.raises(DeviceTaken):
                assign(session, device, holder_id)
        service.unassign_device(session, device.id, None, now + HOUR)
        with pytest.raises(DeviceUnassigned):
            service.unassign_device(session, device.id, None, now + HOUR)
        assign_to_person(session, device, person_id, now + 2 * HOUR)
    assert history(engine, device) == [
        (wearer_id, now, now + HOUR),
        (person_id, now + 2 * HOUR, None),
    ]


def test_a_person_may_carry_several_devices(engine: Engine) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        devices = [add_device(session) for _ in range(3)]
        for device in devices:
            assign_to_person(session, device, order.protected_person_ids[0])
        watch = service.get_watch(session, order.id)
    assert set(watch.protected[0][1]) == {device.id for device in devices}


def test_the_database_itself_refuses_a_second_holder_and_a_holder_of_both_sides(
    engine: Engine, now: datetime
) -> None:
    with transaction(engine) as session:
        device, wearer_id, person_id = add_device(session), add_wearer(session), add_person(session)
        other = add_device(session)
        assign_to_wearer(session, device, wearer_id)
    for wrong in (
        Assignment(uuid.uuid4(), device.id, None, person_id, now, None, now),
        Assignment(uuid.uuid4(), other.id, wearer_id, person_id, now, None, now),
        Assignment(uuid.uuid4(), other.id, None, None, now, None, now),
    ):
        with pytest.raises(IntegrityError), transaction(engine) as session:
            add_assignment(session, wrong)


def test_a_device_goes_to_exactly_one_registered_person(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        device, wearer_id, person_id = add_device(session), add_wearer(session), add_person(session)
    for wearer, person, fields in (
        (None, None, {"wearer_id", "protected_person_id"}),
        (wearer_id, person_id, {"wearer_id", "protected_person_id"}),
        (uuid.uuid4(), None, {"wearer_id"}),
        (None, uuid.uuid4(), {"protected_person_id"}),
        (person_id, None, {"wearer_id"}),
        (None, wearer_id, {"protected_person_id"}),
    ):
        with pytest.raises(BadAssignment) as refusal, transaction(engine) as session:
            service.assign_device(session, device.id, wearer, person, None, now)
        assert set(refusal.value.fields) == fields


def test_a_hand_over_may_be_entered_afterwards_but_not_before_the_one_before_it_ended(
    engine: Engine, now: datetime
) -> None:
    with transaction(engine) as session:
        device, wearer_id, person_id = add_device(session), add_wearer(session), add_person(session)
        first = service.assign_device(session, device.id, wearer_id, None, None, now, since=now - HOUR)
        assert first.assigned_at == now - HOUR
        service.unassign_device(session, device.id, None, now)
    for since in (now - timedelta(seconds=1), now + 3 * HOUR):
        with pytest.raises(BadAssignment) as refusal, transaction(engine) as session:
            service.assign_device(session, device.id, None, person_id, None, now + 2 * HOUR, since=since)
        assert set(refusal.value.fields) == {"since"}
    with transaction(engine) as session:
        service.assign_device(session, device.id, None, person_id, None, now + 2 * HOUR, since=now + HOUR)
        assert service.carried_since(session) == {device.id: now + HOUR}


def test_a_device_that_is_not_there_is_not_found(engine: Engine, now: datetime) -> None:
    unknown = uuid.uuid4()
    with transaction(engine) as session:
        wearer_id = add_wearer(session)
        for use in (
            lambda: service.get_device(session, unknown),
            lambda: service.list_assignments(session, unknown),
            lambda: service.renew_secret(session, unknown, None, now),
            lambda: service.retire_device(session, unknown, None, now),
            lambda: service.unassign_device(session, unknown, None, now),
            lambda: service.assign_device(session, unknown, wearer_id, None, None, now),
        ):
            with pytest.raises(DeviceNotFound):
                use()


def test_a_simulated_device_is_refused_for_people_with_a_real_order(engine: Engine) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        simulated, real = add_device(session, simulated=True), add_device(session)
        with pytest.raises(SimulatedOnRealOrder):
            assign_to_wearer(session, simulated, order.wearer_id)
        with pytest.raises(SimulatedOnRealOrder):
            assign_to_person(session, simulated, order.protected_person_ids[0])
        assign_to_wearer(session, real, order.wearer_id)


def test_an_order_of_tomorrow_is_real_today(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session, valid_from=now + 24 * HOUR)
        with pytest.raises(SimulatedOnRealOrder):
            assign_to_wearer(session, add_device(session, simulated=True), order.wearer_id)


def test_a_simulated_device_may_play_in_exercises_and_where_real_orders_are_over(
    engine: Engine, now: datetime
) -> None:
    with transaction(engine) as session:
        exercise = add_order(session, exercise=True)
        over = add_order(session, valid_until=now)
        revoked = add_order(session)
        service.revoke_order(session, revoked.id, None, now)
        for order in (exercise, over, revoked):
            assign_to_wearer(session, add_device(session, simulated=True), order.wearer_id)


def test_devices_are_listed_newest_first(engine: Engine, now: datetime) -> None:
    draft = DeviceDraft(DeviceKind.PHONE, "x", False, False, False)
    with transaction(engine) as session:
        ids = [service.add_device(session, draft, None, now + n * HOUR)[0].id for n in range(3)]
    with reading(engine) as session:
        assert service.count_devices(session) == 3
        assert [device.id for device in service.page_devices(session, 0, 2)] == [ids[2], ids[1]]


def test_every_change_is_in_the_audit_trail(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        device = add_device(session)
        assign_to_wearer(session, device, add_wearer(session))
        service.unassign_device(session, device.id, None, now)
        service.renew_secret(session, device.id, None, now)
        service.retire_device(session, device.id, None, now)
    with reading(engine) as session:
        acts = session.execute(text("SELECT act, object_id FROM audit")).all()
    assert {act for act, object_id in acts if uuid.UUID(str(object_id)) == device.id} == {
        "orders.add_device",
        "orders.assign_device",
        "orders.unassign_device",
        "orders.renew_secret",
        "orders.retire_device",
    }
