"""Devices that obey: what safe-horizon reporting saves, and that nothing is missed of them meanwhile."""

from collections import Counter

import pytest
from rich.console import Console

from simulator.judge import Judge
from simulator.saving import USUAL_S, Saving, judge_saving
from simulator.schedule import Party
from simulator.score_report import print_saving


@pytest.mark.timeout(300)
def test_her_device_sends_fewer_messages_his_as_many_and_neither_is_missed() -> None:
    with Judge() as judge:
        found = judge_saving(judge, 1, 1, 14_000.0, both=False)
    assert found.messages[Party.WEARER] == 86_400 / USUAL_S
    assert found.saved(Party.PROTECTED, 15) > 0.8
    assert found.saved(Party.PROTECTED, 60) > 0.3
    assert set(found.intervals[Party.WEARER]) == {USUAL_S}
    assert found.calls == Counter()


def test_a_saving_is_told_in_lines() -> None:
    found = Saving(
        2,
        Counter({Party.PROTECTED: 1440, Party.WEARER: 2880}),
        {Party.PROTECTED: Counter({120: 172_800}), Party.WEARER: Counter({60: 172_800})},
        Counter(),
    )
    console = Console(width=130)
    with console.capture() as shown:
        print_saving(console, found, 0.0, both=False)
    said = shown.get()
    for part in (
        "1440 messages, saved 50% against a fixed 60 s, 88% against a fixed 15 s",
        "120 s: 48 h",
        "nothing",
    ):
        assert part in said
