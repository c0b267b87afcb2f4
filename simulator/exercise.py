"""Provisioning of an exercise through REST, and its end; nothing of it can page real police."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.client import ControlClient, ServiceError
from simulator.schedule import Party
from simulator.stories import Device, DeviceKind, Story, Zone
from simulator.wire import DeviceAccess

COURT = "Exercise"
BEFORE = timedelta(hours=2)
"""Order and devices are in force since then: a story may tell of what was before its run."""


@dataclass(frozen=True, slots=True)
class PersonAccount:
    """Her log-in at the app host, shown once by the service."""

    number: str
    pin: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """What a run was given by the service."""

    order_id: str
    reference: str
    devices: dict[Party, DeviceAccess]
    zone_ids: dict[str, str]
    account: PersonAccount | None


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """What an exercise asks of the register."""

    title: str
    alert_radius_m: float
    warning_radius_m: float
    zones: tuple[Zone, ...]
    devices: tuple[tuple[Party, Device], ...]
    with_account: bool = True
    name: str = "order"
    people: tuple[str, ...] = (Party.PROTECTED.value,)


def drafts_of(story: Story) -> tuple[OrderDraft, ...]:
    """Return what each order of a story asks, the first one first."""
    return tuple(
        OrderDraft(
            title=story.name,
            alert_radius_m=order.alert_radius_m,
            warning_radius_m=order.warning_radius_m,
            zones=order.zones,
            devices=tuple(
                (actor.party, actor.device)
                for actor in story.actors
                if actor.party is Party.WEARER or actor.whose in order.people
            ),
            name=order.name,
            people=order.people,
        )
        for order in story.orders
    )


def draft_of(story: Story) -> OrderDraft:
    """Return what a story of one order needs."""
    (draft,) = drafts_of(story)
    return draft


def provision(control: ControlClient, draft: OrderDraft, now_s: float) -> Exercise:
    """Create wearer, person, devices, order and zones; the order is an exercise, the devices simulated."""
    mark = f"{draft.title[:24]}-{secrets.token_hex(4)}"
    wearer = control.add("wearers", {"reference": f"W-{mark}", "name": "Simulated wearer"})
    person = control.add("protected-persons", {"reference": f"P-{mark}", "name": "Simulated person"})
    account = None
    if draft.with_account:
        given = control.add(f"protected-persons/{person['id']}/account", {})
        account = PersonAccount(given["number"], given["pin"])
    devices = {party: _add_device(control, device, mark) for party, device in draft.devices}
    begun = (datetime.fromtimestamp(now_s, UTC) - BEFORE).isoformat()
    for party, device in devices.items():
        whose = {"wearer_id": wearer["id"]}
        if party is Party.PROTECTED:
            whose = {"protected_person_id": person["id"]}
        control.add(f"devices/{device.id}/assignment", whose | {"since": begun})
    order = control.add("orders", _order_body(draft, mark, wearer["id"], person["id"], now_s))
    zone_ids = {zone.name: _add_zone(control, order["id"], zone) for zone in draft.zones}
    return Exercise(order["id"], order["reference"], devices, zone_ids, account)


def end(control: ControlClient, exercises: Sequence[Exercise]) -> None:
    """Close the exercises' alerts, revoke their orders and retire their devices."""
    orders = {exercise.order_id for exercise in exercises}
    devices = {device.id for exercise in exercises for device in exercise.devices.values()}
    for exercise in exercises:
        _try(control, f"orders/{exercise.order_id}/revocation")
    for device_id in devices:
        with suppress(ServiceError):  # some registers end the assignment with the device
            control.call("DELETE", f"/api/devices/{device_id}/assignment")
        _try(control, f"devices/{device_id}/retirement")
    for alert in control.unresolved():
        if alert["order_id"] in orders or alert["device_id"] in devices:
            with suppress(ServiceError):  # somebody in the control room was quicker
                control.resolve(alert["id"])


def _try(control: ControlClient, path: str) -> None:
    with suppress(ServiceError):  # ending an exercise must not hide what it found
        control.add(path, {})


def _order_body(draft: OrderDraft, mark: str, wearer_id: str, person_id: str, now_s: float) -> dict[str, Any]:
    now = datetime.fromtimestamp(now_s, UTC)
    return {
        "reference": f"EX-{mark}",
        "court": COURT,
        "wearer_id": wearer_id,
        "protected_person_ids": [person_id],
        "valid_from": (now - BEFORE).isoformat(),
        "valid_until": (now + timedelta(days=1)).isoformat(),
        "alert_radius_m": draft.alert_radius_m,
        "warning_radius_m": draft.warning_radius_m,
        "exercise": True,
    }


def _add_device(control: ControlClient, device: Device, mark: str) -> DeviceAccess:
    body = {
        "kind": str(device.kind),
        "label": f"{'monitor' if device.kind is DeviceKind.ANKLE_MONITOR else 'device'} {mark}",
        "sealed": device.sealed,
        "require_sealed": device.sealed,
        "simulated": True,
    }
    given = control.add("devices", body)
    key = given.get("sealing_key")
    return DeviceAccess(
        id=given["id"],
        topic=given["topic"],
        username=given["username"],
        secret=given["secret"],
        sealing_key=bytes.fromhex(key) if key else None,
    )


def _add_zone(control: ControlClient, order_id: str, zone: Zone) -> str:
    return str(control.add(f"orders/{order_id}/zones", zone.to_json())["id"])
