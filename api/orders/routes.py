"""Administration of people, orders and devices at the control host: supervisors write, staff read.

Names and secrets: a name is read under audit; a device's secrets and a person's PIN are answers to the
request that makes them and to no other.
"""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from api.accounts.model import MONITORING, Account, Role
from api.accounts.model.keys import Scope
from api.accounts.service import prepare_person
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine
from api.orders import service
from api.orders.model import (
    Assignment,
    Device,
    DeviceDraft,
    Exemption,
    ExemptionDraft,
    OrderDraft,
    ProtectedPerson,
    ProtectiveOrder,
    Wearer,
)
from api.orders.schemas import (
    AssignmentSchema,
    CredentialsSchema,
    DeviceDraftSchema,
    DeviceSchema,
    ExemptionSchema,
    HolderSchema,
    NewDeviceSchema,
    NewSecretSchema,
    OrderSchema,
    PersonSchema,
)

PAGE = {"page_size": 100, "max_page_size": 500}

wearers = Blueprint("wearers", __name__, url_prefix="/api/wearers", description="Who wears a monitor.")
persons = Blueprint(
    "protected-persons", __name__, url_prefix="/api/protected-persons", description="Whom orders protect."
)
orders = Blueprint("orders", __name__, url_prefix="/api/orders", description="Protective orders.")
devices = Blueprint("devices", __name__, url_prefix="/api/devices", description="Devices and who has them.")
control_blueprints = (wearers, persons, orders, devices)


def _actor_id() -> UUID:
    account: Account = actor()
    return account.id


def _window(page: Any, count: int) -> tuple[int, int]:  # noqa: ANN401 - flask-smorest's
    """Tell flask-smorest the total; return the first row and how many, within what a database counts."""
    page.item_count = count
    return min(page.first_item, count), page.page_size


@wearers.route("")
class Wearers(MethodView):
    """All wearers."""

    @allow(*MONITORING)
    @wearers.response(200, PersonSchema(many=True))
    @wearers.paginate(**PAGE)
    def get(self, pagination_parameters: Any) -> list[Wearer]:  # noqa: ANN401 - flask-smorest's
        """List wearers by reference."""
        with transaction(engine()) as session:
            first, limit = _window(pagination_parameters, service.count_wearers(session))
            return service.list_wearers(session, first, limit, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @wearers.arguments(PersonSchema)
    @wearers.response(201, PersonSchema)
    def post(self, body: dict[str, str]) -> Wearer:
        """Register a wearer."""
        with transaction(engine()) as session:
            return service.add_wearer(session, body["reference"], body["name"], _actor_id(), clock.now())


@wearers.route("/<uuid:wearer_id>")
class OneWearer(MethodView):
    """One wearer."""

    @allow(*MONITORING)
    @wearers.response(200, PersonSchema)
    def get(self, wearer_id: UUID) -> Wearer:
        """Show a wearer."""
        with transaction(engine()) as session:
            return service.get_wearer(session, wearer_id, _actor_id(), clock.now())


@persons.route("")
class Persons(MethodView):
    """All protected persons."""

    @allow(*MONITORING)
    @persons.response(200, PersonSchema(many=True))
    @persons.paginate(**PAGE)
    def get(self, pagination_parameters: Any) -> list[ProtectedPerson]:  # noqa: ANN401 - flask-smorest's
        """List protected persons by reference."""
        with transaction(engine()) as session:
            first, limit = _window(pagination_parameters, service.count_persons(session))
            return service.list_persons(session, first, limit, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @persons.arguments(PersonSchema)
    @persons.response(201, PersonSchema)
    def post(self, body: dict[str, str]) -> ProtectedPerson:
        """Register a protected person."""
        with transaction(engine()) as session:
            return service.add_person(session, body["reference"], body["name"], _actor_id(), clock.now())


@persons.route("/<uuid:person_id>")
class OnePerson(MethodView):
    """One protected person."""

    @allow(*MONITORING)
    @persons.response(200, PersonSchema)
    def get(self, person_id: UUID) -> ProtectedPerson:
        """Show a protected person."""
        with transaction(engine()) as session:
            return service.get_person(session, person_id, _actor_id(), clock.now())


@persons.route("/<uuid:person_id>/account")
class PersonAccount(MethodView):
    """What a protected person signs in with."""

    @allow(Role.SUPERVISOR)
    @persons.response(201, CredentialsSchema)
    def post(self, person_id: UUID) -> dict[str, str]:
        """Make number and PIN, shown only here; earlier ones stop working."""
        new = prepare_person()  # slow on purpose, so before the transaction
        with transaction(engine()) as session:
            service.give_account(session, person_id, new, _actor_id(), clock.now())
        return {"number": new.number, "pin": new.pin}


@orders.route("")
class Orders(MethodView):
    """All orders."""

    @allow(*MONITORING, scope=Scope.ORDERS_READ)
    @orders.response(200, OrderSchema(many=True))
    @orders.paginate(**PAGE)
    def get(self, pagination_parameters: Any) -> list[ProtectiveOrder]:  # noqa: ANN401 - flask-smorest's
        """List orders by reference."""
        with reading(engine()) as session:
            return service.list_orders(
                session, *_window(pagination_parameters, service.count_orders(session))
            )

    @allow(Role.SUPERVISOR, scope=Scope.ORDERS_WRITE)
    @orders.etag
    @orders.arguments(OrderSchema)
    @orders.response(201, OrderSchema)
    def post(self, body: dict[str, Any]) -> ProtectiveOrder:
        """Register an order."""
        draft = OrderDraft(**({"exercise": False} | body))
        with transaction(engine()) as session:
            return service.add_order(session, draft, _actor_id(), clock.now())


@orders.route("/<uuid:order_id>")
class OneOrder(MethodView):
    """One order."""

    @allow(*MONITORING, scope=Scope.ORDERS_READ)
    @orders.etag
    @orders.response(200, OrderSchema)
    def get(self, order_id: UUID) -> ProtectiveOrder:
        """Show an order; the ETag is needed to change it."""
        with reading(engine()) as session:
            return service.get_order(session, order_id)

    @allow(Role.SUPERVISOR, scope=Scope.ORDERS_WRITE)
    @orders.etag
    @orders.arguments(OrderSchema)
    @orders.response(200, OrderSchema)
    def put(self, body: dict[str, Any], order_id: UUID) -> ProtectiveOrder:
        """Change an order; wearer and exercise stay."""
        with transaction(engine()) as session:
            seen = service.get_order(session, order_id)
            orders.check_etag(seen, OrderSchema)
            draft = OrderDraft(**({"exercise": seen.exercise} | body))
            return service.change_order(session, seen, draft, _actor_id(), clock.now())


@orders.route("/<uuid:order_id>/revocation")
class Revocation(MethodView):
    """The early end of an order."""

    @allow(Role.SUPERVISOR)
    @orders.response(200, OrderSchema)
    def post(self, order_id: UUID) -> ProtectiveOrder:
        """End an order now."""
        with transaction(engine()) as session:
            return service.revoke_order(session, order_id, _actor_id(), clock.now())


@orders.route("/<uuid:order_id>/exemptions")
class Exemptions(MethodView):
    """Agreed exceptions to an order."""

    @allow(*MONITORING)
    @orders.response(200, ExemptionSchema(many=True))
    def get(self, order_id: UUID) -> list[Exemption]:
        """List an order's exemptions, earliest first, those that are over included."""
        with transaction(engine()) as session:
            return service.list_exemptions(session, order_id, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @orders.arguments(ExemptionSchema)
    @orders.response(201, ExemptionSchema)
    def post(self, draft: ExemptionDraft, order_id: UUID) -> Exemption:
        """Agree to an exception: 24 hours at most, custody 31 days."""
        with transaction(engine()) as session:
            return service.add_exemption(session, order_id, draft, _actor_id(), clock.now())


@orders.route("/<uuid:order_id>/exemptions/<uuid:exemption_id>/end")
class ExemptionEnd(MethodView):
    """The early end of an exemption."""

    @allow(Role.SUPERVISOR)
    @orders.response(200, ExemptionSchema)
    def post(self, order_id: UUID, exemption_id: UUID) -> Exemption:
        """End an exemption now; everything rings again."""
        with transaction(engine()) as session:
            return service.end_exemption(session, order_id, exemption_id, _actor_id(), clock.now())


@devices.route("")
class Devices(MethodView):
    """All devices."""

    @allow(*MONITORING, scope=Scope.DEVICES_READ)
    @devices.response(200, DeviceSchema(many=True))
    @devices.paginate(**PAGE)
    def get(self, pagination_parameters: Any) -> list[Device]:  # noqa: ANN401 - flask-smorest's
        """List devices, newest first."""
        with reading(engine()) as session:
            return service.page_devices(
                session, *_window(pagination_parameters, service.count_devices(session))
            )

    @allow(Role.SUPERVISOR, scope=Scope.DEVICES_WRITE)
    @devices.arguments(DeviceDraftSchema)
    @devices.response(201, NewDeviceSchema)
    def post(self, body: dict[str, Any]) -> tuple[tuple[Device, str], int]:
        """Register a device; its secret and sealing key are shown only here."""
        with transaction(engine()) as session:
            return service.add_device(session, DeviceDraft(**body), _actor_id(), clock.now()), 201


@devices.route("/<uuid:device_id>")
class OneDevice(MethodView):
    """One device."""

    @allow(*MONITORING, scope=Scope.DEVICES_READ)
    @devices.response(200, DeviceSchema)
    def get(self, device_id: UUID) -> Device:
        """Show a device."""
        with reading(engine()) as session:
            return service.get_device(session, device_id)


@devices.route("/<uuid:device_id>/retirement")
class Retirement(MethodView):
    """The end of a device's use."""

    @allow(Role.SUPERVISOR)
    @devices.response(200, DeviceSchema)
    def post(self, device_id: UUID) -> Device:
        """Take a device out of use for good."""
        with transaction(engine()) as session:
            return service.retire_device(session, device_id, _actor_id(), clock.now())


@devices.route("/<uuid:device_id>/secret")
class DeviceSecret(MethodView):
    """A device's broker password."""

    @allow(Role.SUPERVISOR)
    @devices.response(200, NewSecretSchema)
    def post(self, device_id: UUID) -> dict[str, Any]:
        """Make another broker password, shown only here; the earlier one stops working."""
        with transaction(engine()) as session:
            device, secret = service.renew_secret(session, device_id, _actor_id(), clock.now())
        return {"id": device.id, "username": device.id.hex, "secret": secret}


@devices.route("/<uuid:device_id>/assignment")
class DeviceAssignment(MethodView):
    """Who carries a device now."""

    @allow(Role.SUPERVISOR, scope=Scope.DEVICES_WRITE)
    @devices.arguments(HolderSchema)
    @devices.response(201, AssignmentSchema)
    def post(self, body: dict[str, Any], device_id: UUID) -> Assignment:
        """Hand a device to a wearer or to a protected person."""
        with transaction(engine()) as session:
            return service.assign_device(
                session,
                device_id,
                body["wearer_id"],
                body["protected_person_id"],
                _actor_id(),
                clock.now(),
                since=body["since"],
            )

    @allow(Role.SUPERVISOR, scope=Scope.DEVICES_WRITE)
    @devices.response(204)
    def delete(self, device_id: UUID) -> None:
        """Take a device back."""
        with transaction(engine()) as session:
            service.unassign_device(session, device_id, _actor_id(), clock.now())


@devices.route("/<uuid:device_id>/assignments")
class DeviceAssignments(MethodView):
    """Who carried a device, and when."""

    @allow(*MONITORING)
    @devices.response(200, AssignmentSchema(many=True))
    def get(self, device_id: UUID) -> list[Assignment]:
        """List who carried a device, oldest first."""
        with reading(engine()) as session:
            return service.list_assignments(session, device_id)
