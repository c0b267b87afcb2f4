"""Administration of agencies at the control host: supervisors write, those who offer steps read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView

from api.accounts.model import Account, Role
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine
from api.pathways.model.agencies import Agency, AgencyDraft, DutySlot, Member, MemberDraft
from api.pathways.schemas.agencies import AgencyDutiesSchema, AgencyMemberSchema, AgencySchema, AtQuerySchema
from api.pathways.service import agencies as service

WORKERS = (Role.CASE_WORKER, Role.OFFICER)
"""Who takes steps of a pathway; which pathways is decided by the agency where each works."""
READERS = (*WORKERS, Role.SUPERVISOR)
PAGE = {"page_size": 100, "max_page_size": 500}

agencies = Blueprint(
    "agencies", __name__, url_prefix="/api/agencies", description="Who takes steps over, and who is there."
)


def _actor_id() -> UUID:
    account: Account = actor()
    return account.id


@agencies.route("")
class Agencies(MethodView):
    """All agencies."""

    @allow(*READERS)
    @agencies.response(200, AgencySchema(many=True))
    @agencies.paginate(**PAGE)
    def get(self, pagination_parameters: Any) -> list[Agency]:  # noqa: ANN401 - flask-smorest's
        """List agencies by name, closed ones included."""
        page = pagination_parameters
        with reading(engine()) as session:
            page.item_count = service.count_agencies(session)
            first = min(page.first_item, page.item_count)
            return service.list_agencies(session, first, page.page_size)

    @allow(Role.SUPERVISOR)
    @agencies.arguments(AgencySchema)
    @agencies.response(201, AgencySchema)
    def post(self, draft: AgencyDraft) -> Agency:
        """Register an agency."""
        with transaction(engine()) as session:
            return service.add_agency(session, draft, _actor_id(), clock.now())


@agencies.route("/<uuid:agency_id>")
class OneAgency(MethodView):
    """One agency."""

    @allow(*READERS)
    @agencies.etag
    @agencies.response(200, AgencySchema)
    def get(self, agency_id: UUID) -> Agency:
        """Show an agency; the ETag is needed to change it."""
        with reading(engine()) as session:
            return service.get_agency(session, agency_id)

    @allow(Role.SUPERVISOR)
    @agencies.etag
    @agencies.arguments(AgencySchema)
    @agencies.response(200, AgencySchema)
    def put(self, draft: AgencyDraft, agency_id: UUID) -> Agency:
        """Change an agency."""
        with transaction(engine()) as session:
            seen = service.get_agency(session, agency_id)
            agencies.check_etag(seen, AgencySchema)
            return service.change_agency(session, seen, draft, _actor_id(), clock.now())


@agencies.route("/<uuid:agency_id>/retirement")
class AgencyRetirement(MethodView):
    """The end of an agency."""

    @allow(Role.SUPERVISOR)
    @agencies.response(200, AgencySchema)
    def post(self, agency_id: UUID) -> Agency:
        """Close an agency: nothing is offered to it any more."""
        with transaction(engine()) as session:
            return service.retire_agency(session, agency_id, _actor_id(), clock.now())


@agencies.route("/<uuid:agency_id>/members")
class Members(MethodView):
    """Who works at an agency."""

    @allow(*READERS)
    @agencies.response(200, AgencyMemberSchema(many=True))
    def get(self, agency_id: UUID) -> list[Member]:
        """List who works at an agency; each name read is an audit row."""
        with transaction(engine()) as session:
            return service.list_members(session, agency_id, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @agencies.arguments(AgencyMemberSchema)
    @agencies.response(201, AgencyMemberSchema)
    def post(self, draft: MemberDraft, agency_id: UUID) -> Member:
        """Let an account work at an agency."""
        with transaction(engine()) as session:
            return service.add_member(session, agency_id, draft, _actor_id(), clock.now())


@agencies.route("/<uuid:agency_id>/members/<uuid:member_id>")
class OneMember(MethodView):
    """Somebody who works at an agency."""

    @allow(*READERS)
    @agencies.etag
    @agencies.response(200, AgencyMemberSchema)
    def get(self, agency_id: UUID, member_id: UUID) -> Member:
        """Show somebody; the ETag is needed to change anything."""
        with transaction(engine()) as session:
            return service.get_member(session, agency_id, member_id, _actor_id(), clock.now())

    @allow(Role.SUPERVISOR)
    @agencies.etag
    @agencies.arguments(AgencyMemberSchema)
    @agencies.response(200, AgencyMemberSchema)
    def put(self, draft: MemberDraft, agency_id: UUID, member_id: UUID) -> Member:
        """Change role, name or absence; whoever is away is asked nothing meanwhile."""
        now = clock.now()
        with transaction(engine()) as session:
            seen = service.get_member(session, agency_id, member_id, _actor_id(), now)
            agencies.check_etag(seen, AgencyMemberSchema)
            return service.change_member(session, seen, draft, _actor_id(), now)


@agencies.route("/<uuid:agency_id>/members/<uuid:member_id>/end")
class MemberEnd(MethodView):
    """The end of somebody's work at an agency."""

    @allow(Role.SUPERVISOR)
    @agencies.response(200, AgencyMemberSchema)
    def post(self, agency_id: UUID, member_id: UUID) -> Member:
        """Let somebody work at an agency no more: they see nothing of its pathways from now on."""
        with transaction(engine()) as session:
            return service.end_member(session, agency_id, member_id, _actor_id(), clock.now())


@agencies.route("/<uuid:agency_id>/duties")
class Duties(MethodView):
    """When somebody is there."""

    @allow(*READERS)
    @agencies.etag
    @agencies.response(200, AgencyDutiesSchema)
    def get(self, agency_id: UUID) -> dict[str, list[DutySlot]]:
        """Show the duty times of every week; the ETag is needed to replace them."""
        with reading(engine()) as session:
            return {"slots": service.get_duties(session, agency_id)}

    @allow(Role.SUPERVISOR)
    @agencies.etag
    @agencies.arguments(AgencyDutiesSchema)
    @agencies.response(200, AgencyDutiesSchema)
    def put(self, body: dict[str, list[DutySlot]], agency_id: UUID) -> dict[str, list[DutySlot]]:
        """Replace all duty times."""
        with transaction(engine()) as session:
            seen = service.get_duties(session, agency_id)
            agencies.check_etag({"slots": seen}, AgencyDutiesSchema)
            given = body["slots"]
            slots = service.replace_duties(session, agency_id, seen, given, _actor_id(), clock.now())
        return {"slots": slots}


@agencies.route("/<uuid:agency_id>/presence")
class Presence(MethodView):
    """Who is there."""

    @allow(*READERS)
    @agencies.arguments(AtQuerySchema, location="query")
    @agencies.response(200, AgencyMemberSchema(many=True))
    def get(self, query: dict[str, datetime | None], agency_id: UUID) -> list[Member]:
        """List who is there now, or at another moment, in the order in which they are asked."""
        now = clock.now()
        with transaction(engine()) as session:
            return service.who_is_there(session, agency_id, query["at"] or now, _actor_id(), now)
