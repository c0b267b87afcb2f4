"""A supervisor's administration of staff accounts; protected persons' accounts are none of these."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import current_app
from flask.views import MethodView

from api.accounts.model import Account, Role
from api.accounts.model.staff import NewSecret, StaffAccount
from api.accounts.schemas.staff import NewStaffSchema, RoleSchema, StaffAccountSchema, StaffDraftSchema
from api.accounts.service import administration
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine

staff_accounts = Blueprint(
    "staff-accounts", __name__, url_prefix="/api/staff-accounts", description="Staff's accounts."
)
control_blueprints = (staff_accounts,)


def _actor_id() -> UUID:
    account: Account = actor()
    return account.id


def _end_streams(account_id: UUID) -> None:
    """Cut what the account follows in this process now; the heartbeat ends it in any other."""
    end: Callable[[UUID], None] = current_app.extensions["baken.end_streams"]
    end(account_id)


@staff_accounts.route("")
class StaffAccounts(MethodView):
    """All staff accounts."""

    @allow(Role.SUPERVISOR)
    @staff_accounts.response(200, StaffAccountSchema(many=True))
    @staff_accounts.paginate(page_size=100, max_page_size=500)
    def get(self, pagination_parameters: Any) -> list[StaffAccount]:  # noqa: ANN401 - flask-smorest's
        """List staff accounts by login."""
        page = pagination_parameters
        with reading(engine()) as session:
            page.item_count = administration.count_staff(session)
            return administration.page_staff(session, min(page.first_item, page.item_count), page.page_size)

    @allow(Role.SUPERVISOR)
    @staff_accounts.arguments(StaffDraftSchema)
    @staff_accounts.response(201, NewStaffSchema)
    def post(self, body: dict[str, Any]) -> NewSecret:
        """Make an account with a password that is shown this once."""
        secret, hashed = administration.new_secret()
        with transaction(engine()) as session:
            account = administration.add_staff(
                session, body["login"], body["role"], hashed, _actor_id(), clock.now()
            )
        return NewSecret(account, secret)


@staff_accounts.route("/<uuid:account_id>")
class OneStaffAccount(MethodView):
    """One staff account."""

    @allow(Role.SUPERVISOR)
    @staff_accounts.response(200, StaffAccountSchema)
    def get(self, account_id: UUID) -> StaffAccount:
        """Show a staff account."""
        with reading(engine()) as session:
            return administration.get_staff(session, account_id)


@staff_accounts.route("/<uuid:account_id>/role")
class RoleOf(MethodView):
    """What a colleague may do."""

    @allow(Role.SUPERVISOR)
    @staff_accounts.arguments(RoleSchema)
    @staff_accounts.response(200, StaffAccountSchema)
    def put(self, body: dict[str, str], account_id: UUID) -> StaffAccount:
        """Give a colleague another role; her sessions and streams end."""
        with transaction(engine()) as session:
            account = administration.give_role(
                session, account_id, Role(body["role"]), _actor_id(), clock.now()
            )
        _end_streams(account_id)
        return account


@staff_accounts.route("/<uuid:account_id>/disabling")
class Disabling(MethodView):
    """Whether an account is closed."""

    @allow(Role.SUPERVISOR)
    @staff_accounts.response(200, StaffAccountSchema)
    def post(self, account_id: UUID) -> StaffAccount:
        """Close a colleague's account; her sessions and streams end at once."""
        with transaction(engine()) as session:
            account = administration.disable(session, account_id, _actor_id(), clock.now())
        _end_streams(account_id)
        return account

    @allow(Role.SUPERVISOR)
    @staff_accounts.response(200, StaffAccountSchema)
    def delete(self, account_id: UUID) -> StaffAccount:
        """Open a closed account again."""
        with transaction(engine()) as session:
            return administration.enable(session, account_id, _actor_id(), clock.now())


@staff_accounts.route("/<uuid:account_id>/totp")
class FactorOf(MethodView):
    """A colleague's second factor."""

    @allow(Role.SUPERVISOR)
    @staff_accounts.response(200, StaffAccountSchema)
    def delete(self, account_id: UUID) -> StaffAccount:
        """Take a colleague's second factor away, for a lost phone; her sessions and streams end."""
        with transaction(engine()) as session:
            account = administration.reset_totp(session, account_id, _actor_id(), clock.now())
        _end_streams(account_id)
        return account


@staff_accounts.route("/<uuid:account_id>/secret")
class SecretOf(MethodView):
    """A colleague's password."""

    @allow(Role.SUPERVISOR)
    @staff_accounts.response(200, NewStaffSchema)
    def post(self, account_id: UUID) -> NewSecret:
        """Give a colleague a new password, shown this once; her sessions and streams end."""
        secret, hashed = administration.new_secret()
        with transaction(engine()) as session:
            account = administration.reset_secret(session, account_id, hashed, _actor_id(), clock.now())
        _end_streams(account_id)
        return NewSecret(account, secret)
