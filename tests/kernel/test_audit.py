"""The trail of acts on both databases."""

import uuid
from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from api.kernel import audit
from api.kernel.db import reading, transaction


def test_an_act_is_written_with_who_what_and_why(engine: Engine, now: datetime) -> None:
    actor_id, object_id = uuid.uuid4(), uuid.uuid4()
    with transaction(engine) as session:
        audit.record(session, now, actor_id, "alerts.resolve", object_id, "false alarm")
    with reading(engine) as session:
        (row,) = session.execute(text("SELECT actor_id, act, object_id, reason FROM audit")).all()
    assert uuid.UUID(str(row.actor_id)) == actor_id
    assert uuid.UUID(str(row.object_id)) == object_id
    assert (row.act, row.reason) == ("alerts.resolve", "false alarm")


def test_an_act_and_its_trail_are_one(engine: Engine, now: datetime) -> None:
    """What is rolled back leaves no trail: the trail never tells of what did not happen."""

    def act_and_fail() -> None:
        with transaction(engine) as session:
            audit.record(session, now, None, "alerts.resolve", uuid.uuid4())
            raise KeyError

    with pytest.raises(KeyError):
        act_and_fail()
    with reading(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM audit")) == 0
