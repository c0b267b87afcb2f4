from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine

from api.geofence.model import AlarmKind, DeviceAlarm
from api.geofence.store.alarms import save_alarm
from api.geofence.store.evidence import (
    KEPT_BYTES,
    Batch,
    Judge,
    Judged,
    Report,
    add_batch,
    count_dropped,
    list_batches,
    list_batches_at,
    list_judged,
    save_reports,
)
from api.geofence.store.fixes import FixRecord, key_of, save_fixes
from api.kernel.db import reading, transaction
from tests.factories import NOW, make_fix

DEVICE, OTHER = UUID(int=1), UUID(int=2)


def reports(count: int, device_id: UUID = DEVICE, first: int = 0) -> list[Report]:
    return [
        Report(device_id, NOW + timedelta(seconds=first + i), first + i, "status", b"%d" % (first + i))
        for i in range(count)
    ]


def kept(engine: Engine, devices: Sequence[UUID], until: int = 99) -> list[Judged]:
    with reading(engine) as session:
        return list_judged(session, devices, until)


def test_of_each_device_only_the_newest_reports_are_kept(engine: Engine) -> None:
    with transaction(engine) as session:
        save_reports(session, 1, reports(3) + reports(1, OTHER), most=4)
        save_reports(session, 2, reports(3, first=3), most=4)
        save_reports(session, 3, [], most=4)
        assert count_dropped(session, [DEVICE, OTHER]) == 2
    assert [message.payload for message in kept(engine, [DEVICE])] == [b"2", b"3", b"4", b"5"]
    assert len(kept(engine, [OTHER])) == 1


def test_a_long_report_is_kept_without_its_text(engine: Engine) -> None:
    texts = [b"x" * KEPT_BYTES, b"x" * (KEPT_BYTES + 1)]
    with transaction(engine) as session:
        save_reports(session, 1, [Report(DEVICE, NOW, i, "card", said) for i, said in enumerate(texts)])
    assert [message.payload for message in kept(engine, [DEVICE])] == [texts[0], None]


def test_messages_of_all_kinds_come_back_in_the_order_in_which_they_were_judged(engine: Engine) -> None:
    fix = make_fix(device_id=DEVICE)
    alarm = DeviceAlarm(OTHER, NOW, NOW, AlarmKind.SOS, "sos")
    with transaction(engine) as session:
        save_fixes(session, 2, {key_of(fix): FixRecord(fix, NOW, "live", (), b"fix", 1)})
        save_alarm(session, alarm, b"alarm", NOW, 2, 0)
        save_reports(session, 1, [Report(DEVICE, NOW, 7, "lwt", b"report")])
    both = kept(engine, [DEVICE, OTHER])
    assert [(one.payload, one.kind) for one in both] == [(b"report", "lwt"), (b"alarm", None), (b"fix", None)]
    assert len(kept(engine, [DEVICE, OTHER], until=1)) == 1
    assert kept(engine, []) == []


def test_a_batch_keeps_what_it_was_judged_by(engine: Engine) -> None:
    later = NOW + timedelta(seconds=1)
    with transaction(engine) as session:
        first = add_batch(session, Judge.WORKER, NOW, 7, NOW - timedelta(days=1), "r")
        second = add_batch(session, Judge.WATCHDOG, later, 8, None, "r")
        assert second > first
        assert list_batches(session, [first]) == {
            first: Batch(first, Judge.WORKER, NOW, 7, NOW - timedelta(days=1), "r")
        }
        assert [one.number for one in list_batches_at(session, [later, NOW])] == [first, second]
        assert list_batches_at(session, []) == []
