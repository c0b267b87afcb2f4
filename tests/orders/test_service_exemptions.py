"""Exemptions on both databases."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from api.kernel.db import reading, transaction
from api.kernel.geo import Point
from api.orders import service
from api.orders.model import (
    EXEMPTIONS_KEPT,
    AgreedPlace,
    BadExemption,
    Exemption,
    ExemptionKind,
    ExemptionNotFound,
    OrderNotFound,
    OrderRevoked,
)
from tests.factories import NOW, make_exemption_draft
from tests.orders.register import add_order

HOUR = timedelta(hours=1)
ACTOR = uuid.UUID(int=77)
EVERYTHING = {
    "kind": ExemptionKind.CUSTODY,
    "zone_ids": (uuid.uuid4(), uuid.uuid4()),
    "place": AgreedPlace(Point(51.9, 4.4), 250.0),
}


def of_order(engine: Engine, order_id: uuid.UUID) -> list[Exemption]:
    with transaction(engine) as session:
        return service.list_exemptions(session, order_id, ACTOR, NOW)


def test_an_exemption_is_given_back_as_it_was_agreed(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        people = order.protected_person_ids
        later = service.add_exemption(
            session, order.id, make_exemption_draft(valid_from=now + HOUR / 2), None, now
        )
        draft = make_exemption_draft(person_ids=people, **EVERYTHING)
        full = service.add_exemption(session, order.id, draft, ACTOR, now)
        other = add_order(session)
        service.add_exemption(session, other.id, make_exemption_draft(), None, now)
    assert (full.created_by, full.created_at, full.ended_at, full.ended_by) == (ACTOR, now, None, None)
    assert full.person_ids == people
    assert of_order(engine, order.id) == [full, later]


def test_one_that_does_not_hold_together_is_refused_and_leaves_nothing(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order, other = add_order(session), add_order(session)
    draft = make_exemption_draft(person_ids=other.protected_person_ids)
    with pytest.raises(BadExemption) as refusal, transaction(engine) as session:
        service.add_exemption(session, order.id, draft, ACTOR, now)
    assert refusal.value.fields.keys() == {"person_ids"}
    assert of_order(engine, order.id) == []


def test_an_order_that_is_not_there_or_revoked_takes_none(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        service.revoke_order(session, order.id, None, now)
    with pytest.raises(OrderRevoked), transaction(engine) as session:
        service.add_exemption(session, order.id, make_exemption_draft(), None, now)
    with pytest.raises(OrderNotFound), transaction(engine) as session:
        service.add_exemption(session, uuid.uuid4(), make_exemption_draft(), None, now)
    with pytest.raises(OrderNotFound):
        of_order(engine, uuid.uuid4())


def test_ending_is_written_down_once(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order, other = add_order(session), add_order(session)
        made = service.add_exemption(session, order.id, make_exemption_draft(), None, now)
    with transaction(engine) as session:
        ended = service.end_exemption(session, order.id, made.id, ACTOR, now + HOUR / 2)
        assert service.end_exemption(session, order.id, made.id, None, now + HOUR * 3 / 4) == ended
        for order_id, exemption_id in ((other.id, made.id), (order.id, uuid.uuid4())):
            with pytest.raises(ExemptionNotFound):
                service.end_exemption(session, order_id, exemption_id, ACTOR, now)
    assert (ended.ended_at, ended.ended_by) == (now + HOUR / 2, ACTOR)
    assert of_order(engine, order.id) == [ended]


def test_what_is_over_cannot_be_ended_any_more(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        made = service.add_exemption(session, order.id, make_exemption_draft(), None, now)
        before = service.latest_revision(session)
        assert service.end_exemption(session, order.id, made.id, ACTOR, now + HOUR) == made
        assert service.latest_revision(session) == before
    assert of_order(engine, order.id) == [made]


def test_every_act_is_in_the_audit_trail_without_its_words(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        made = service.add_exemption(session, order.id, make_exemption_draft(), ACTOR, now)
        service.end_exemption(session, order.id, made.id, ACTOR, now)
        service.list_exemptions(session, order.id, ACTOR, now)
    with reading(engine) as session:
        rows = session.execute(text("SELECT act, object_id, reason FROM audit WHERE actor_id IS NOT NULL"))
        told = {(act, uuid.UUID(str(object_id)), reason) for act, object_id, reason in rows}
    assert told == {
        ("orders.add_exemption", made.id, str(order.id)),
        ("orders.end_exemption", made.id, str(order.id)),
        ("orders.list_exemptions", order.id, ""),
    }


def test_running_workers_are_told_of_both_its_ends(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session)
        revision = service.latest_revision(session)
        made = service.add_exemption(session, order.id, make_exemption_draft(), None, now)
        service.end_exemption(session, order.id, made.id, None, now)
        told = [change.order_id for change in service.changes_after(session, revision)]
    assert told == [order.id, order.id]


def test_a_watch_has_its_exemptions_and_for_a_while_those_that_are_over(
    engine: Engine, now: datetime
) -> None:
    with transaction(engine) as session:
        order, other = add_order(session), add_order(session)
        made = service.add_exemption(session, order.id, make_exemption_draft(), None, now)
        ended = service.add_exemption(session, order.id, make_exemption_draft(), None, now)
        ended = service.end_exemption(session, order.id, ended.id, None, now)

        def seen(at: datetime | None) -> set[uuid.UUID]:
            watches = {watch.order.id: watch for watch in service.list_watches(session, now=at)}
            assert watches[other.id].exemptions == ()
            return {exemption.id for exemption in watches[order.id].exemptions}

        assert set(service.get_watch(session, order.id).exemptions) == {made, ended}
        assert seen(None) == seen(now + EXEMPTIONS_KEPT) == {made.id, ended.id}
        assert seen(now + EXEMPTIONS_KEPT + HOUR) == {made.id}
        assert seen(now + EXEMPTIONS_KEPT + HOUR + timedelta(seconds=1)) == set()


def test_orders_that_have_just_joined_the_register_are_known(engine: Engine, now: datetime) -> None:
    with transaction(engine) as session:
        order = add_order(session, now)
        later = add_order(session, now + HOUR)
        assert service.added_since(session, now) == {order.id, later.id}
        assert service.added_since(session, now + HOUR) == {later.id}
