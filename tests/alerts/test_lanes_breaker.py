from datetime import timedelta
from uuid import uuid4

from api.alerts.lanes.breaker import OPENS_AFTER, PEOPLE_FAILING, PROBE_EVERY_S, Breaker
from api.alerts.rules.retries import LAST_RETRY_S
from api.alerts.service.sending import LEASE
from tests.alerts.stage import at

LONGEST_SEND_S = 16.0
"""Eight commands of two seconds each; over HTTP it is five."""


def opened() -> Breaker:
    breaker = Breaker()
    told = [breaker.note_failure(at(0)) for _ in range(OPENS_AFTER)]
    assert told == [False] * (OPENS_AFTER - 1) + [True]
    return breaker


def test_it_opens_after_failures_in_a_row_and_only_then() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(OPENS_AFTER - 1):
            assert not breaker.note_failure(at(0))
        assert not breaker.note_success()
    assert not breaker.is_open
    assert opened().is_open


def test_of_many_receivers_one_persons_never_open_it_and_several_peoples_do() -> None:
    breaker, hers, another = Breaker(PEOPLE_FAILING), uuid4(), uuid4()
    assert not any(breaker.note_failure(at(0), hers) for _ in range(3 * OPENS_AFTER))
    assert not breaker.is_open
    assert breaker.note_failure(at(0), another)
    assert breaker.is_open


def test_what_came_through_in_between_makes_failures_of_others_old() -> None:
    breaker, hers, another = Breaker(PEOPLE_FAILING), uuid4(), uuid4()
    breaker.note_failure(at(0), another)
    breaker.note_success()
    assert not any(breaker.note_failure(at(0), hers) for _ in range(3 * OPENS_AFTER))


def test_what_was_sent_before_it_opened_tells_nothing_new() -> None:
    breaker = opened()
    assert not breaker.note_failure(at(3))
    assert breaker.may_probe(at(PROBE_EVERY_S))


def test_one_probe_at_a_time_and_not_too_often() -> None:
    breaker = opened()
    assert not breaker.may_probe(at(PROBE_EVERY_S - 0.1))
    assert breaker.may_probe(at(PROBE_EVERY_S))
    breaker.begin_probe()
    assert breaker.is_open
    assert not breaker.may_probe(at(100))
    assert not breaker.note_failure(at(7))  # staff know already
    assert not breaker.may_probe(at(7 + PROBE_EVERY_S - 0.1))
    assert breaker.may_probe(at(7 + PROBE_EVERY_S))


def test_a_probe_that_comes_through_closes_it() -> None:
    breaker = opened()
    breaker.begin_probe()
    assert breaker.note_success()
    assert not breaker.is_open
    assert not breaker.may_probe(at(100))
    assert not breaker.note_success()


def test_anything_that_comes_through_closes_it() -> None:
    breaker = opened()
    assert breaker.note_success()
    assert not breaker.is_open


def test_a_probe_that_tells_nothing_lets_the_next_go_at_once() -> None:
    breaker = opened()
    breaker.begin_probe()
    breaker.note_nothing(at(6))
    assert breaker.is_open
    assert breaker.may_probe(at(6))


def test_what_tells_nothing_leaves_a_closed_one_closed() -> None:
    breaker = Breaker()
    breaker.note_nothing(at(0))
    assert not breaker.is_open


def test_a_claim_cannot_be_taken_for_a_message_that_waits_for_its_next_try() -> None:
    """`note_channel` makes due what waits no longer than a retry: nothing that may still be on its way."""
    left = LEASE - timedelta(seconds=LONGEST_SEND_S)
    assert left > timedelta(seconds=LAST_RETRY_S)
