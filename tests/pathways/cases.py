"""Builds agencies, people and pathways, with harmless defaults."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.accounts import routes as account_routes
from api.accounts import service as accounts
from api.accounts import store as account_store
from api.accounts.model import Account, Role
from api.kernel import clock
from api.kernel.config import CONTENT
from api.kernel.db import reading, transaction
from api.pathways.model.agencies import (
    Agency,
    AgencyDraft,
    AgencyKind,
    DutySlot,
    Member,
    MemberDraft,
    MemberRole,
)
from api.pathways.model.contacts import ContactChannel, Hours, SafeContactDraft
from api.pathways.model.content import HandoffLimits, PathwayContent
from api.pathways.model.pathways import Pathway, PathwayDraft, Urgency
from api.pathways.model.steps import Handoff, HandoffState, Step, StepAct, StepCall, StepState
from api.pathways.service import agencies, opening, steps
from api.pathways.service import contacts as contact_service
from api.pathways.service.content import pathway_content
from api.pathways.store import pathways as store
from api.pathways.store import steps as step_store

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
"""A Wednesday, 11:00 in Amsterdam."""
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
ZONE = "Europe/Amsterdam"
HER = uuid.UUID(int=77)
WORDS = SafeContactDraft(
    channels=(ContactChannel.PHONE, ContactChannel.AT_WORK),
    hours=(Hours((0, 1, 2, 3, 4), 9 * 60, 17 * 60),),
    time_zone=ZONE,
    words="Only at work; say that you are from the library.",
    code_word="Blauwe regen",
    sign="I will look for the book.",
)


def content() -> PathwayContent:
    return pathway_content(CONTENT)


def make_step(**more: Any) -> Step:
    values: dict[str, Any] = {
        "pathway_id": UUID(int=1),
        "number": 7,
        "state": StepState.OPEN,
        "before": None,
        "agency_id": UUID(int=2),
        "owner_id": UUID(int=3),
        "due_at": None,
        "remind_at": None,
        "reason": None,
        "changed_at": NOW,
        "changed_by": UUID(int=3),
    }
    return Step(**values | more)


def make_handoff(**more: Any) -> Handoff:
    values: dict[str, Any] = {
        "id": UUID(int=4),
        "pathway_id": UUID(int=1),
        "number": 7,
        "from_agency_id": UUID(int=2),
        "from_id": UUID(int=3),
        "to_agency_id": UUID(int=5),
        "rung": MemberRole.WORKER,
        "limits": HandoffLimits(15, 10, 5),
        "offered_at": NOW,
        "due_at": None,
        "next_at": None,
        "reminded_at": None,
        "state": HandoffState.WAITING,
        "answered_at": None,
        "answered_by": None,
        "reason": None,
    }
    return Handoff(**values | more)


def make_member(**more: Any) -> Member:
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "agency_id": UUID(int=5),
        "account_id": uuid.uuid4(),
        "role": MemberRole.WORKER,
        "name": "Noor Visser",
        "away_until": None,
        "left_at": None,
    }
    return Member(**values | more)


def make_pathway(**more: Any) -> Pathway:
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "reference": "ABC-DEF-GHJ",
        "account_id": None,
        "urgency": Urgency.ORDINARY,
        "language": "nl",
        "agency_id": UUID(int=2),
        "contact_id": UUID(int=3),
        "deputy_id": None,
        "next_contact_at": NOW + timedelta(days=1),
        "content_version": "1",
        "opened_at": NOW,
        "closed_at": None,
        "close_reason": None,
    }
    return Pathway(**values | more)


class Town:
    """A centre, a police station and a shelter, each with worker, deputy and coordinator."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.accounts: dict[str, Account] = {}
        self.agencies: dict[str, Agency] = {}
        self.members: dict[str, Member] = {}
        for name, kind in (
            ("centre", AgencyKind.CENTRE),
            ("police", AgencyKind.POLICE),
            ("shelter", AgencyKind.SHELTER),
        ):
            self.add_agency(name, kind)

    def add_agency(self, name: str, kind: AgencyKind) -> Agency:
        draft = AgencyDraft(f"The {name} of Haarlem", kind, "Kennemerland", ZONE)
        with transaction(self.engine) as session:
            agency = agencies.add_agency(session, draft, None, NOW)
            self.agencies[name] = agency
            slots = [self._slot(session, name, role, f"{name} {role.value}") for role in MemberRole]
            agencies.replace_duties(session, agency.id, [], slots, None, NOW)
        return agency

    def _slot(self, session: Session, agency: str, role: MemberRole, name: str) -> DutySlot:
        account = self._account(session, name.replace(" ", "."))
        draft = MemberDraft(account.id, role, f"{name.title()} Jansen", None)
        member = agencies.add_member(session, self.agencies[agency].id, draft, None, NOW)
        self.accounts[name] = account
        self.members[name] = member
        return DutySlot(member.id, EVERY_DAY, 0, 1440, 0)

    def _account(self, session: Session, login: str) -> Account:
        """The first has a secret that was hashed, which takes long on purpose; the others have the same."""
        if not self.accounts:
            return accounts.add_account(session, login, "correct horse", Role.CASE_WORKER, None, NOW)
        first = next(iter(self.accounts.values()))
        account = replace(first, id=uuid.uuid4(), login=login)
        account_store.add_account(session, account, NOW)
        return account

    def send_home(self, *names: str) -> None:
        """Let these be there at no time of the week any more."""
        for name in names:
            agency_id = self.members[name].agency_id
            with transaction(self.engine) as session:
                seen = agencies.get_duties(session, agency_id)
                left = [slot for slot in seen if slot.member_id != self.members[name].id]
                agencies.replace_duties(session, agency_id, seen, left, None, NOW)

    def open(
        self, urgency: Urgency = Urgency.ORDINARY, now: datetime = NOW, by: str = "centre worker"
    ) -> Pathway:
        draft = PathwayDraft(self.agencies["centre"].id, urgency, "nl")
        with transaction(self.engine) as session:
            return opening.open_pathway(session, self.accounts[by], draft, content(), now)

    def act(
        self, by: str, pathway: Pathway, number: int, what: StepAct, *, now: datetime = NOW, **more: Any
    ) -> Step:
        to = more.pop("to", None)
        call = StepCall(what, to_agency_id=None if to is None else self.agencies[to].id, **more)
        with transaction(self.engine) as session:
            return steps.act(session, self.accounts[by], pathway.id, number, call, content(), now)

    def agree(
        self, pathway: Pathway, *, by: str = "centre worker", seen: int = 0, now: datetime = NOW, **more: Any
    ) -> None:
        """Keep how she may be reached."""
        with transaction(self.engine) as session:
            draft = replace(WORDS, **more)
            contact_service.set_safe_contact(session, self.accounts[by], pathway.id, draft, seen, now)

    def step(self, pathway: Pathway, number: int) -> Step:
        with reading(self.engine) as session:
            return step_store.get_step(session, pathway.id, number)

    def steps(self, pathway: Pathway) -> list[Step]:
        with reading(self.engine) as session:
            return step_store.list_steps(session, [pathway.id])

    def waiting(self, pathway: Pathway, number: int) -> Handoff | None:
        with reading(self.engine) as session:
            return step_store.find_waiting(session, pathway.id, number)

    def pathway(self, pathway: Pathway) -> Pathway:
        with reading(self.engine) as session:
            return store.get_pathway(session, pathway.id)

    def history(self, pathway: Pathway) -> list[tuple[str, dict[str, Any]]]:
        """What happened, oldest first."""
        with reading(self.engine) as session:
            events = store.list_events(session, pathway.id, 500)
        return [(event.kind.value, event.detail) for event in reversed(events)]


def content_file(folder: Path, *changes: tuple[str, str]) -> Path:
    """The shipped content with these pieces of its text replaced."""
    text = (CONTENT / "pathway.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "pathway.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def client_of(app: Flask, town: Town, name: str) -> FlaskClient:
    """A client of the control host with the session of somebody of the town."""
    with transaction(town.engine) as session:
        token = accounts.open_session(session, town.accounts[name], clock.now())
    client = app.test_client()
    client.set_cookie(account_routes.STAFF_COOKIE, token)
    return client
