"""The kill test at a size that every run can afford; `python -m tests.pipeline.kills` is the full one."""

from pathlib import Path

import pytest

from tests.alerts.receiver import open_receiver
from tests.house import open_house, sqlite_of
from tests.pipeline.kills import play


@pytest.mark.timeout(180)
def test_nothing_acknowledged_is_lost_and_nothing_rings_twice_when_processes_are_killed(
    tmp_path: Path, sqlite_template: Path
) -> None:
    home = tmp_path / "home"
    with open_receiver() as receiver:
        url = sqlite_of(sqlite_template, home)
        with open_house(home, url, BAKEN_WEBHOOK_URL=receiver.url) as house:
            outcome = play(house, receiver, rate=100, seconds=12)
    assert outcome.acknowledged == outcome.sent
    assert outcome.is_good(), outcome
