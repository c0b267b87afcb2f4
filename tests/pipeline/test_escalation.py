"""Deadlines through the real processes: a dispatcher that is killed finds what is due when it is back."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from api.alerts import service as alerts
from api.alerts.model import EntryKind
from api.alerts.model.playbooks import TaskKind
from api.kernel import clock
from api.kernel.config import PLAYBOOKS
from api.kernel.db import reading
from tests.alerts.stage import breach, make_stage
from tests.house import House, wait_until

pytestmark = pytest.mark.timeout(120)
WAIT_S = 3


def escalated(house: House) -> list[str]:
    with reading(house.engine) as session:
        entries = alerts.entries_after(session, 0, 1000)
    return [
        str(entry.detail["step"]) for entry in entries if entry.kind is EntryKind.ESCALATED and entry.detail
    ]


def playbooks_of(house: House) -> list[str]:
    with reading(house.engine) as session:
        return [playbook.name for _since, playbook in alerts.list_playbooks(session)]


def quick_playbook(home: Path) -> Path:
    """The Dutch one with its deadlines of half a minute cut to seconds."""
    text = (PLAYBOOKS / "nl.yaml").read_text().replace("within_s: 30", f"within_s: {WAIT_S}")
    path = home / "quick.yaml"
    path.write_text(text)
    return path


def test_an_unanswered_alert_goes_on_once_although_the_dispatcher_was_killed(house: House) -> None:
    house.environ["BAKEN_PLAYBOOK"] = str(quick_playbook(house.settings.home))
    house.start("nats", "dispatcher")
    wait_until(lambda: playbooks_of(house))
    stage = make_stage(house.engine)
    now = clock.now()
    (alert,) = stage.tell(breach(stage, occurred_at=now), now=now)
    house.kill("dispatcher")
    wait_until(lambda: clock.now() > now + timedelta(seconds=WAIT_S))
    assert escalated(house) == []
    house.start("dispatcher")
    wait_until(lambda: len(escalated(house)) == 2)
    assert sorted(escalated(house)) == ["police", "room_30"]
    with reading(house.engine) as session:
        tasks = alerts.list_open_tasks(session)
    wanted = {TaskKind.CALL_POLICE, TaskKind.CALL_STANDBY}
    assert {(task.alert_id, task.kind) for task in tasks} == {(alert.id, kind) for kind in wanted}


def test_a_playbook_that_cannot_be_used_stops_the_dispatcher_with_its_line(house: House) -> None:
    path = quick_playbook(house.settings.home)
    path.write_text(path.read_text().replace("otherwise: [call_her]", "otherwise: [nobody]"))
    house.environ["BAKEN_PLAYBOOK"] = str(path)
    house.start("nats", "dispatcher")
    dispatcher = house.running.pop("dispatcher")
    assert dispatcher.wait(30) == 1
    assert re.search(r"quick.yaml:\d+: there is no step 'nobody'", house.log_text("dispatcher"))
