"""URLs of alerting: staff's queue and stream at the control host, neutral messages at the app host."""

from collections.abc import Callable, Iterator
from typing import Any, cast
from uuid import UUID

from flask import Response, abort, current_app, request
from flask.views import MethodView
from werkzeug.exceptions import ServiceUnavailable

from api.accounts import service as accounts
from api.accounts.model import Role
from api.accounts.model.keys import Scope
from api.accounts.routes import PERSON_COOKIE, STAFF_COOKIE
from api.alerts import service
from api.alerts.model import AlertState
from api.alerts.model.drills import DrillReport, DueDrill
from api.alerts.model.playbooks import Playbook, Task
from api.alerts.schemas import (
    ACK_BODY,
    AlertDetailSchema,
    AlertSchema,
    CursorSchema,
    DrillReportSchema,
    DueDrillSchema,
    NoticeIdSchema,
    NoticeKeySchema,
    NoticeSchema,
    PlaybookSchema,
    ResolutionSchema,
    SmsReceiptSchema,
    StatesSchema,
    TakenSchema,
    TaskOutcomeSchema,
    TaskSchema,
)
from api.alerts.service import AlertDetail, AlertView, pushing
from api.alerts.service.acks import take_police_ack
from api.alerts.service.texting import take_sms_receipt
from api.alerts.streams import Listener, Streams, TooManyStreams
from api.alerts.wire.acks import BadAck, parse_ack
from api.kernel import clock
from api.kernel.db import reading, transaction
from api.kernel.http import Blueprint, actor, allow, engine, settings, signed
from api.safety_plans.model import cover_named

control_blueprint = Blueprint("alerts", __name__, url_prefix="/api", description="What must be answered.")
app_blueprint = Blueprint("messages", __name__, description="Messages.")

_STATES = {
    "unresolved": (AlertState.OPEN, AlertState.ACKNOWLEDGED),
    **{state.value: (state,) for state in AlertState},
}


@control_blueprint.route("/alerts")
class Alerts(MethodView):
    """The queue."""

    @allow(Role.OPERATOR, Role.SUPERVISOR, scope=Scope.ALERTS_READ)
    @control_blueprint.arguments(StatesSchema, location="query")
    @control_blueprint.response(200, AlertSchema(many=True))
    def get(self, query: dict[str, str]) -> list[AlertView]:
        """List alerts, worst first, then oldest."""
        with reading(engine()) as session:
            return service.list_alerts(session, _STATES[query["state"]])


@control_blueprint.route("/alerts/<uuid:alert_id>")
class OneAlert(MethodView):
    """One alert."""

    @allow(Role.OPERATOR, Role.SUPERVISOR, scope=Scope.ALERTS_READ)
    @control_blueprint.response(200, AlertDetailSchema)
    def get(self, alert_id: UUID) -> AlertDetail:
        """Show an alert with its log and messages; the look is kept in the audit trail."""
        with transaction(engine()) as session:
            return service.get_alert(session, alert_id, actor().id, clock.now())


@control_blueprint.route("/alerts/<uuid:alert_id>/acknowledgement")
class Acknowledgement(MethodView):
    """Taking an alert."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.response(200, AlertSchema)
    def post(self, alert_id: UUID) -> AlertView:
        """Take an alert: from now on you answer for it."""
        with transaction(engine()) as session:
            return service.acknowledge(session, alert_id, actor().id, clock.now())


@control_blueprint.route("/alerts/<uuid:alert_id>/resolution")
class Resolution(MethodView):
    """Closing an alert."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.arguments(ResolutionSchema)
    @control_blueprint.response(200, AlertSchema)
    def post(self, body: dict[str, Any], alert_id: UUID) -> AlertView:
        """Close an alert for a reason."""
        with transaction(engine()) as session:
            return service.resolve(session, alert_id, actor().id, body["reason"], body["note"], clock.now())


@control_blueprint.route("/tasks")
class Tasks(MethodView):
    """Calls to make."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.response(200, TaskSchema(many=True))
    def get(self) -> list[Task]:
        """List the calls that somebody is to make, oldest first."""
        with reading(engine()) as session:
            return service.list_open_tasks(session)


@control_blueprint.route("/tasks/<uuid:task_id>/outcome")
class TaskOutcomes(MethodView):
    """What came of a call."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.arguments(TaskOutcomeSchema)
    @control_blueprint.response(200, TaskSchema)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Note what came of a call; when nobody was reached the next steps begin at once."""
        with transaction(engine()) as session:
            return service.note_outcome(
                session, task_id, actor().id, body["outcome"], body["note"], clock.now()
            )


@control_blueprint.route("/orders/<uuid:order_id>/drills")
class Drills(MethodView):
    """Test runs of an order's chain."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.response(200, DrillReportSchema(many=True))
    def get(self, order_id: UUID) -> list[DrillReport]:
        """List the latest test runs of an order with what each found, newest first."""
        with reading(engine()) as session:
            return service.list_drills(session, order_id, heard_of(), clock.now())

    @allow(Role.SUPERVISOR)
    @control_blueprint.response(201, DrillReportSchema)
    def post(self, order_id: UUID) -> DrillReport:
        """Walk the chain of an order by every real way out, marked as an exercise."""
        with transaction(engine()) as session:
            return service.start_drill(session, order_id, actor().id, heard_of(), clock.now())


@control_blueprint.route("/drills/<uuid:drill_id>")
class OneDrill(MethodView):
    """One test run."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.response(200, DrillReportSchema)
    def get(self, drill_id: UUID) -> DrillReport:
        """Show what a test run found so far, link by link."""
        with reading(engine()) as session:
            return service.get_drill(session, drill_id, heard_of(), clock.now())


@control_blueprint.route("/drills/due")
class DueDrills(MethodView):
    """Test runs to make."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.response(200, DueDrillSchema(many=True))
    def get(self) -> list[DueDrill]:
        """List when the next test run of each order in force is due, the longest overdue first."""
        with reading(engine()) as session:
            return service.list_due_drills(session, clock.now())


@control_blueprint.route("/playbook")
class ThePlaybook(MethodView):
    """Who is told of what, in which order."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.response(200, PlaybookSchema)
    def get(self) -> Playbook:
        """Show the playbook that the house goes by."""
        with reading(engine()) as session:
            return service.current_playbook(session)


@control_blueprint.route("/stream")
class ControlStream(MethodView):
    """The control room's stream."""

    @allow(Role.OPERATOR, Role.SUPERVISOR)
    @control_blueprint.arguments(CursorSchema, location="query")
    @control_blueprint.alt_response(200, content_type="text/event-stream", description="Server-sent events.")
    def get(self, query: dict[str, int]) -> Response:
        """Follow the alert log and the positions of unresolved alerts as server-sent events."""
        account = actor()
        with transaction(engine()) as session:
            service.note_watching(session, account.id, clock.now())
        listener = _listen(account.id, None)
        frames = _streams().control_frames(listener, _cursor(query), _is_signed_in(STAFF_COOKIE))
        return _answer(listener, frames)


@control_blueprint.route("/police/acknowledgements")
class PoliceAcknowledgements(MethodView):
    """What the police's machine answers by itself."""

    @signed(lambda settings: settings.webhook_secret)
    @control_blueprint.doc(requestBody=ACK_BODY)
    @control_blueprint.response(200, TakenSchema)
    def post(self) -> dict[str, Any]:
        """Take an acknowledgement of messages to the police: JSON or CAP 1.2, signed as our messages are."""
        try:
            ack = parse_ack(request.get_data())
        except BadAck as error:
            abort(400, str(error))
        with transaction(engine()) as session:
            alert_id = take_police_ack(session, ack, clock.now())
        return {"received": ack.id, "alert_id": alert_id}


@control_blueprint.route("/sms/receipts")
class SmsReceipts(MethodView):
    """What the SMS gateway reports by itself."""

    @signed(lambda settings: settings.sms_token)
    @control_blueprint.arguments(SmsReceiptSchema)
    @control_blueprint.response(204)
    def post(self, body: dict[str, Any]) -> None:
        """Take what became of an SMS; signed as our messages to the police are, with the gateway's token."""
        is_delivered = body["status"] == "delivered"
        with transaction(engine()) as session:
            take_sms_receipt(session, body["id"], clock.now(), is_delivered=is_delivered)


@app_blueprint.route("/stream")
class PersonStream(MethodView):
    """Her stream."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.arguments(CursorSchema, location="query")
    @app_blueprint.alt_response(200, content_type="text/event-stream", description="Server-sent events.")
    def get(self, query: dict[str, int]) -> Response:
        """Follow messages as server-sent events."""
        account = actor()
        listener = _listen(account.id, account.person_id)
        cover = cover_named(settings().cover)
        is_signed_in = _is_signed_in(PERSON_COOKIE)
        return _answer(listener, _streams().person_frames(listener, _cursor(query), cover, is_signed_in))


@app_blueprint.route("/notices/key")
class NoticeKey(MethodView):
    """The key for notices."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.response(200, NoticeKeySchema)
    def get(self) -> dict[str, str]:
        """Get the key for notices."""
        return {"key": pushing.public_key(settings().server_key)}


@app_blueprint.route("/notices")
class Notices(MethodView):
    """Notices of this browser."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.arguments(NoticeSchema)
    @app_blueprint.response(200, NoticeIdSchema)
    def put(self, body: dict[str, Any]) -> dict[str, UUID]:
        """Switch notices on."""
        person_id, keys, hosts = actor().person_id, body["keys"], settings().push_hosts
        with transaction(engine()) as session:
            notice_id = pushing.subscribe(
                session, person_id, body["endpoint"], keys["p256dh"], keys["auth"], hosts, clock.now()
            )
        return {"id": notice_id}


@app_blueprint.route("/notices/<uuid:notice_id>")
class OneNotice(MethodView):
    """Notices of one browser."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.response(204)
    def delete(self, notice_id: UUID) -> None:
        """Switch notices off."""
        with transaction(engine()) as session:
            pushing.unsubscribe(session, actor().person_id, notice_id, clock.now())


@app_blueprint.route("/messages/<uuid:message_id>/receipt")
class MessageReceipt(MethodView):
    """That a message was shown."""

    @allow(Role.PROTECTED_PERSON)
    @app_blueprint.response(204)
    def post(self, message_id: UUID) -> None:
        """Say that a message was shown."""
        with transaction(engine()) as session:
            service.receive_message_receipt(session, actor().person_id, message_id, clock.now())


def heard_of() -> service.HeardOf:
    """Return the question when devices were last heard, which a room above answers."""
    return cast("service.HeardOf", current_app.extensions["baken.heard"])


def _streams() -> Streams:
    return cast("Streams", current_app.extensions["baken.streams"])


def _listen(owner_id: UUID, person_id: UUID | None) -> Listener:
    try:
        return _streams().listen(owner_id, person_id)
    except TooManyStreams:
        raise ServiceUnavailable("Too many are connected. Try again.", retry_after=5) from None


def _cursor(query: dict[str, int]) -> int | None:
    """Return where the stream goes on; None is the present."""
    header = request.headers.get("Last-Event-ID", "")
    if header.isascii() and header.isdigit() and len(header) <= 18:  # fits the database's 64 bits
        return int(header)
    return query.get("after")


def _is_signed_in(cookie: str) -> Callable[[], bool]:
    """Return a question that can be asked later, outside the request: is this session still good?"""
    token = request.cookies.get(cookie, "")
    database = engine()

    def is_signed_in() -> bool:
        with reading(database) as session:
            return accounts.identify(session, token, clock.now()) is not None

    return is_signed_in


def _answer(listener: Listener, frames: Iterator[bytes]) -> Response:
    response = Response(frames, mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep frames until its buffer is full
    streams = _streams()
    response.call_on_close(lambda: streams.close(listener))
    return response
