"""JSON of alerts for staff; times are ISO 8601 in UTC, points `{lat, lon}`."""

import dataclasses
from typing import Any

from marshmallow import ValidationError, fields, pre_dump, validate, validates

from api.alerts.model import (
    Alert,
    AlertEntry,
    AlertState,
    Attempt,
    Channel,
    EntryKind,
    Family,
    Notification,
    NotificationState,
    ResolveReason,
)
from api.alerts.model.drills import LinkName, LinkState
from api.alerts.model.playbooks import Answer, RunState, Side, Target, TaskKind, TaskOutcome
from api.alerts.model.policies import Decider
from api.alerts.service import AlertDetail, AlertView
from api.kernel.http import Schema

MAX_NOTE_CHARACTERS = 2000
"""A paragraph; the case file is elsewhere. Proposal."""


class AlertSchema(Schema):
    """An alert with the references of its order and people."""

    id = fields.UUID()
    order_id = fields.UUID(allow_none=True)
    device_id = fields.UUID(allow_none=True)
    family = fields.Enum(Family, by_value=True)
    kind = fields.String()
    severity = fields.Integer()
    state = fields.Enum(AlertState, by_value=True)
    ongoing = fields.Boolean()
    exercise = fields.Boolean()
    concealed = fields.Boolean()
    person_ids = fields.List(fields.UUID())
    opened_at = fields.AwareDateTime()
    last_event_at = fields.AwareDateTime()
    acknowledged_at = fields.AwareDateTime(allow_none=True)
    acknowledged_by = fields.UUID(allow_none=True)
    resolved_at = fields.AwareDateTime(allow_none=True)
    resolved_by = fields.UUID(allow_none=True)
    resolve_reason = fields.Enum(ResolveReason, by_value=True, allow_none=True)
    resolution_note = fields.String()
    order_reference = fields.String(allow_none=True)
    wearer_reference = fields.String(allow_none=True)
    person_references = fields.List(fields.String())

    @pre_dump
    def flatten(self, view: AlertView, **_more: object) -> dict[str, Any]:
        """Write alert and references side by side."""
        return _flat(view)


class EntrySchema(Schema):
    """One line of an alert's log; `event` is None for acts, `detail` tells of escalations and calls."""

    seq = fields.Integer()
    alert_id = fields.UUID()
    at = fields.AwareDateTime()
    kind = fields.Enum(EntryKind, by_value=True)
    severity = fields.Integer()
    author_id = fields.UUID(allow_none=True)
    event = fields.Raw(allow_none=True)
    detail = fields.Raw(allow_none=True)


class AttemptSchema(Schema):
    """One try to send a message, or a receipt of it."""

    at = fields.AwareDateTime()
    succeeded = fields.Boolean()
    outcome = fields.String()


class NotificationSchema(Schema):
    """One message that the alert caused; what it says stays in the outbox."""

    id = fields.UUID()
    channel = fields.Enum(Channel, by_value=True)
    person_id = fields.UUID(allow_none=True)
    device_id = fields.UUID(allow_none=True)
    state = fields.Enum(NotificationState, by_value=True)
    created_at = fields.AwareDateTime()
    next_attempt_at = fields.AwareDateTime()
    attempts = fields.List(fields.Nested(AttemptSchema))

    @pre_dump
    def flatten(self, told: tuple[Notification, list[Attempt]], **_more: object) -> dict[str, Any]:
        """Put the tries in the place of their number."""
        notification, attempts = told
        return _fields_of(notification) | {"attempts": attempts}


class StepRunSchema(Schema):
    """A step of the playbook that waits, or waited, for an answer."""

    id = fields.UUID()
    step = fields.String()
    answer = fields.Enum(Answer, by_value=True)
    state = fields.Enum(RunState, by_value=True)
    started_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)


class TaskSchema(Schema):
    """A call that somebody is to make, or made."""

    id = fields.UUID()
    alert_id = fields.UUID()
    kind = fields.Enum(TaskKind, by_value=True)
    about = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime(allow_none=True)
    done_at = fields.AwareDateTime(allow_none=True)
    done_by = fields.UUID(allow_none=True)
    outcome = fields.Enum(TaskOutcome, by_value=True, allow_none=True)
    note = fields.String()


class TaskOutcomeSchema(Schema):
    """What came of a call."""

    outcome = fields.Enum(TaskOutcome, by_value=True, required=True)
    note = fields.String(load_default="", validate=validate.Length(max=MAX_NOTE_CHARACTERS))

    @validates("outcome")
    def check_outcome(self, outcome: TaskOutcome, **_more: object) -> None:
        """Refuse what only the end of an alert says."""
        if outcome is TaskOutcome.CANCELLED:
            raise ValidationError("A task is cancelled by resolving its alert.")


class PlaybookStepSchema(Schema):
    """One step of the playbook."""

    name = fields.String()
    target = fields.Enum(Target, by_value=True, allow_none=True)
    task = fields.Enum(TaskKind, by_value=True, allow_none=True)
    channels = fields.List(fields.Enum(Channel, by_value=True))
    side = fields.Enum(Side, by_value=True)
    answer = fields.Enum(Answer, by_value=True)
    within_s = fields.Float(allow_none=True)
    otherwise = fields.List(fields.String())
    severities = fields.List(fields.Integer())


class PlaybookSchema(Schema):
    """The playbook that the house goes by."""

    name = fields.String()
    version = fields.String()
    country = fields.String()
    decided_by = fields.String()
    standby = fields.String(allow_none=True)
    drill_every_days = fields.Integer()
    digest = fields.String()
    steps = fields.Dict(keys=fields.String(), values=fields.Nested(PlaybookStepSchema))
    kinds = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))


class LinkSchema(Schema):
    """One link of an order's chain as a test run found it."""

    name = fields.Enum(LinkName, by_value=True)
    state = fields.Enum(LinkState, by_value=True)
    about = fields.UUID(allow_none=True)
    why = fields.String()
    at = fields.AwareDateTime(allow_none=True)


class DrillReportSchema(Schema):
    """A test run and what it found so far."""

    id = fields.UUID(attribute="drill.id")
    order_id = fields.UUID(attribute="drill.order_id")
    alert_id = fields.UUID(attribute="drill.alert_id")
    started_at = fields.AwareDateTime(attribute="drill.started_at")
    started_by = fields.UUID(attribute="drill.started_by", allow_none=True)
    state = fields.Enum(LinkState, by_value=True)
    links = fields.List(fields.Nested(LinkSchema))


class DueDrillSchema(Schema):
    """When the next test run of an order is due."""

    order_id = fields.UUID()
    last_at = fields.AwareDateTime(allow_none=True)
    due_at = fields.AwareDateTime()


class ReachSchema(Schema):
    """Whether a person was told of the alert and, if not, by whose decision."""

    person_id = fields.UUID()
    is_told = fields.Boolean()
    withheld_by = fields.Enum(Decider, by_value=True, allow_none=True)
    decided_by = fields.String(allow_none=True)
    policy_version = fields.Integer(allow_none=True)


class AlertDetailSchema(AlertSchema):
    """An alert with its whole log, every message that it caused, and what waits for an answer."""

    entries = fields.List(fields.Nested(EntrySchema))
    notifications = fields.List(fields.Nested(NotificationSchema))
    steps = fields.List(fields.Nested(StepRunSchema))
    tasks = fields.List(fields.Nested(TaskSchema))
    policies = fields.List(fields.Nested(ReachSchema))

    @pre_dump
    def flatten(self, detail: AlertDetail, **_more: object) -> dict[str, Any]:
        """Write everything side by side."""
        return _flat(detail.view) | {
            "entries": detail.entries,
            "notifications": detail.notifications,
            "steps": detail.steps,
            "tasks": detail.tasks,
            "policies": detail.policies,
        }


class StatesSchema(Schema):
    """Which alerts are wanted."""

    state = fields.String(
        load_default="unresolved",
        validate=validate.OneOf([*(state.value for state in AlertState), "unresolved"]),
    )


class ResolutionSchema(Schema):
    """Why an alert is closed."""

    reason = fields.Enum(ResolveReason, by_value=True, required=True)
    note = fields.String(load_default="", validate=validate.Length(max=MAX_NOTE_CHARACTERS))


class CursorSchema(Schema):
    """Where a stream goes on; the header `Last-Event-ID`, which browsers send by themselves, wins."""

    after = fields.Integer(validate=validate.Range(min=0))


class NoticeKeysSchema(Schema):
    """A browser's keys for notices."""

    p256dh = fields.String(required=True, validate=validate.Length(max=200))
    auth = fields.String(required=True, validate=validate.Length(max=100))


class NoticeSchema(Schema):
    """Where a browser gets notices, in the words of the browser."""

    endpoint = fields.String(required=True, validate=validate.Length(max=2048))
    expirationTime = fields.Raw(allow_none=True)  # noqa: N815 - the browser's word; it is not used
    keys = fields.Nested(NoticeKeysSchema, required=True)


class NoticeIdSchema(Schema):
    """The number of a browser's notices."""

    id = fields.UUID()


class NoticeKeySchema(Schema):
    """The key for notices."""

    key = fields.String()


class SmsReceiptSchema(Schema):
    """What became of an SMS."""

    id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["delivered", "undelivered"]))


class TakenSchema(Schema):
    """That an acknowledgement has been taken; a repeat is answered alike."""

    received = fields.String()
    alert_id = fields.UUID(allow_none=True)


ACK_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["id", "msgType", "references", "sent", "who"],
                "properties": {
                    "id": {"type": "string", "minLength": 1, "maxLength": 128},
                    "msgType": {"enum": ["Ack", "Error"]},
                    "references": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "string", "format": "uuid"},
                    },
                    "sent": {"type": "string", "format": "date-time"},
                    "who": {"type": "string", "minLength": 1, "maxLength": 64},
                },
            }
        },
        "application/cap+xml": {"schema": {"type": "string", "description": "CAP 1.2, msgType Ack or Error"}},
    },
}
"""The body is read by `wire.acks`, because the signature covers its bytes and one of the two forms is XML."""


def news_json(entry: AlertEntry, view: AlertView) -> dict[str, Any]:
    """Return one `alert` message of the control-room stream."""
    return {"seq": entry.seq, "alert": AlertSchema().dump(view), "entry": EntrySchema().dump(entry)}


def _flat(view: AlertView) -> dict[str, Any]:
    return _fields_of(view.alert) | {
        "order_reference": view.order_reference,
        "wearer_reference": view.wearer_reference,
        "person_references": view.person_references,
    }


def _fields_of(value: Alert | Notification) -> dict[str, Any]:
    """Return the fields by name, one level deep: `dataclasses.asdict` would copy every payload."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
