"""The register as it was: read step by step for a past decision, and taken again in another database."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from api.orders.model import Assignment, Device, Exemption, ProtectedPerson, ProtectiveOrder, Wearer
from api.orders.service.watches import note_change, note_orders
from api.orders.store import changes, devices, exemptions, orders, people, versions

NO_NAME = "-"
"""Judging needs nobody's name, so none is read."""


@dataclass(frozen=True, slots=True)
class RegisterStep:
    """One change of the register, as it was entered at `at`.

    Attributes:
        subject: An order as it was from then on; a device when it joined, or with `retired_at` when it
            left; an assignment when it was entered, or with `unassigned_at` when it ended; an exemption when
            it was agreed, or with `ended_at` when it was ended early.
    """

    at: datetime
    subject: ProtectiveOrder | Device | Assignment | Exemption


@dataclass(frozen=True, slots=True)
class RegisterHistory:
    """Everything that was ever entered about an order, its people and devices, oldest first.

    Attributes:
        device_ids: Of the order's people at any time, or the one device that was asked for.
        order_ids: The order, and every other order of anybody who carried one of these devices.
    """

    wearer_ids: tuple[UUID, ...]
    person_ids: tuple[UUID, ...]
    device_ids: tuple[UUID, ...]
    order_ids: tuple[UUID, ...]
    steps: tuple[RegisterStep, ...]


def history_of(session: Session, order_id: UUID | None, device_id: UUID | None) -> RegisterHistory:
    """Return how the register came to be what it is, as far as one order or (without one) a device asks."""
    own = versions.list_versions(session, [order_id] if order_id else [], [])
    wearers = {order.wearer_id for _at, order in own}
    persons = {person_id for _at, order in own for person_id in order.protected_person_ids}
    mine = {one.device_id for one in devices.list_assignments_ever(session, wearers, persons)}
    if order_id is None and device_id is not None:
        mine.add(device_id)
    # Whoever else carried these devices: what they said then was judged by the orders of that time.
    carried = devices.list_assignments_ever(session, device_ids=mine)
    wearers |= {one.wearer_id for one in carried if one.wearer_id}
    persons |= {one.protected_person_id for one in carried if one.protected_person_id}
    affected = {order.id for order in orders.list_orders_of(session, wearers, persons)}
    every = versions.list_versions(session, {order.id for _at, order in own} | affected, wearers)
    steps = [RegisterStep(at, order) for at, order in every]
    steps += [step for one in carried for step in _carrying(one)] + _devices(session, mine)
    agreed = exemptions.list_exemptions(session, {order.id for _at, order in every})
    steps += [step for one in agreed for step in _agreeing(one)]
    return RegisterHistory(
        wearer_ids=tuple(sorted(wearers | {order.wearer_id for _at, order in every})),
        person_ids=tuple(
            sorted(persons | {one for _at, order in every for one in order.protected_person_ids})
        ),
        device_ids=tuple(sorted(mine)),
        order_ids=tuple(sorted({order.id for _at, order in every})),
        steps=tuple(sorted(steps, key=lambda step: (step.at, _rank(step), step.subject.id))),
    )


def revisions(session: Session) -> list[tuple[int, datetime]]:
    """Return when the register reached each revision: a decision names the one that it was made with."""
    return changes.list_moments(session)


def enact_people(
    session: Session, wearer_ids: Collection[UUID], person_ids: Collection[UUID], now: datetime
) -> None:
    """Put people into an empty register under the ids that they had, without their names."""
    for wearer_id in wearer_ids:
        people.add_wearer(session, Wearer(wearer_id, str(wearer_id), NO_NAME), now)
    for person_id in person_ids:
        people.add_person(session, ProtectedPerson(person_id, str(person_id), NO_NAME), now)


def enact(session: Session, step: RegisterStep) -> None:
    """Take one step of a register's history again; workers are told as they were then."""
    subject, at = step.subject, step.at
    if isinstance(subject, ProtectiveOrder):
        is_known = bool(orders.list_orders(session, [subject.id]))
        (orders.save_order if is_known else orders.add_order)(session, subject, at)
        note_orders(session, at, [subject])
        return
    if isinstance(subject, Device):
        if subject.retired_at is None:
            devices.add_device(session, subject, at)
        else:
            devices.save_retired(session, subject.id, subject.retired_at)
        note_change(session, at, device_id=subject.id)
        return
    if isinstance(subject, Exemption):
        if subject.ended_at is None:
            exemptions.add_exemption(session, dataclasses.replace(subject, reason=NO_NAME))
        else:
            exemptions.save_end(session, subject.id, subject.ended_at, subject.ended_by)
        note_change(session, at, order_id=subject.order_id)
        return
    if subject.unassigned_at is None:
        devices.add_assignment(session, subject)
    else:
        devices.end_assignment(session, subject.id, subject.unassigned_at)
    note_change(session, at, device_id=subject.device_id)
    wearer_ids = [subject.wearer_id] if subject.wearer_id else []
    person_ids = [subject.protected_person_id] if subject.protected_person_id else []
    note_orders(session, at, orders.list_orders_of(session, wearer_ids, person_ids))


def _carrying(one: Assignment) -> list[RegisterStep]:
    begun = RegisterStep(one.entered_at, dataclasses.replace(one, unassigned_at=None))
    return [begun] if one.unassigned_at is None else [begun, RegisterStep(one.unassigned_at, one)]


def _agreeing(one: Exemption) -> list[RegisterStep]:
    begun = RegisterStep(one.created_at, dataclasses.replace(one, ended_at=None, ended_by=None))
    return [begun] if one.ended_at is None else [begun, RegisterStep(one.ended_at, one)]


def _devices(session: Session, device_ids: Collection[UUID]) -> list[RegisterStep]:
    created = devices.list_created(session, device_ids)
    steps: list[RegisterStep] = []
    for device in devices.list_devices(session, device_ids):
        steps.append(RegisterStep(created[device.id], dataclasses.replace(device, retired_at=None)))
        if device.retired_at is not None:
            steps.append(RegisterStep(device.retired_at, device))
    return steps


def _rank(step: RegisterStep) -> int:
    """Return the order of steps of one moment: who is named must be there before."""
    subject = step.subject
    if isinstance(subject, Device):
        return 0 if subject.retired_at is None else 4
    if isinstance(subject, Assignment):
        return 3 if subject.unassigned_at is None else 2
    return 1
