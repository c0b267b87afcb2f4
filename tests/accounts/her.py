"""A protected person with an account, as the tests of what her PINs open need her."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import Engine

from api.accounts import service
from api.accounts.model.entry import Closed, Duress, Entered, Held, NewPerson, SlotContent, Trial
from api.kernel.db import reading, transaction

PIN, SECOND, WRONG = "295071", "840362", "714926"


class Her:
    """A person with an account."""

    def __init__(self, engine: Engine, now: datetime) -> None:
        self.engine, self.now = engine, now
        self.new: NewPerson = service.prepare_person(PIN)
        with transaction(engine) as session:
            self.account = service.add_person_account(session, uuid.uuid4(), self.new, now)

    def enter(self, pin: str, after: timedelta = timedelta(0)) -> Entered | Closed:
        with reading(self.engine) as session:
            held = service.hold(session, self.account)
        trial = service.try_pin(held, self.new.number_key, pin)
        with transaction(self.engine) as session:
            return service.enter(session, held, trial, self.now + after)

    def opened(self, pin: str, after: timedelta = timedelta(0)) -> SlotContent:
        outcome = self.enter(pin, after)
        assert isinstance(outcome, Entered)
        return outcome.opened

    def set_second(self, pin: str | None = SECOND, duress: Duress | None = None, by: str = PIN) -> None:
        with reading(self.engine) as session:
            held = service.hold(session, self.account)
        trial = self.shown(service.try_pin(held, self.new.number_key, by), held)
        changed = service.set_second(held, self.new.number_key, trial, pin, duress or Duress())
        with transaction(self.engine) as session:
            service.save_slots(session, held, changed, "")

    def shown(self, trial: Trial, held: Held) -> Trial:
        return service.shown(trial, held.slots, self.now)

    def forget(self, pin: str) -> bool:
        with reading(self.engine) as session:
            held = service.hold(session, self.account)
        trial = self.shown(service.try_pin(held, self.new.number_key, pin), held)
        with transaction(self.engine) as session:
            return service.forget(session, held, trial, self.now)

    def change(self, pin: str, to: str) -> None:
        with reading(self.engine) as session:
            held = service.hold(session, self.account)
        trial = self.shown(service.try_pin(held, self.new.number_key, pin), held)
        changed = service.change_pin(held, self.new.number_key, trial, to)
        with transaction(self.engine) as session:
            service.save_slots(session, held, changed, "")
