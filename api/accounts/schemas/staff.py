"""JSON of staff's second factor and sessions, of accounts and keys, and of the audit trail."""

from datetime import datetime
from typing import Any

import marshmallow as ma

from api.accounts.model import STAFF, Role
from api.accounts.model.keys import KeyDraft, Scope
from api.accounts.schemas import ENCODABLE
from api.kernel.fields import Moment, line_of_text
from api.kernel.http import Schema


def _secret(**more: Any) -> ma.fields.String:  # noqa: ANN401 - marshmallow's arguments
    return ma.fields.String(
        required=True, load_only=True, validate=[ma.validate.Length(1, 256), ENCODABLE], **more
    )


class FactorSchema(Schema):
    """Whether one has a second factor."""

    is_set_up = ma.fields.Boolean()
    recovery_codes_left = ma.fields.Integer()


class EnrolmentSchema(Schema):
    """What an authenticator app is given, shown until the first code is right."""

    secret = ma.fields.String(metadata={"description": "Base32, for typing."})
    uri = ma.fields.String(metadata={"description": "otpauth://totp/…, what the picture says."})
    picture = ma.fields.String(metadata={"description": "The QR picture as a data: address, SVG."})


class CodeSchema(Schema):
    """A code of the app."""

    code = ma.fields.String(
        required=True, load_only=True, validate=ma.validate.Regexp(r"^[0-9]{6}\Z", error="Give 6 digits.")
    )


class RecoveryCodesSchema(Schema):
    """Each opens the account once in place of a code; shown this once."""

    recovery_codes = ma.fields.List(ma.fields.String())


class ChangeSecretSchema(Schema):
    """The password one has, and the one wished for."""

    secret = _secret()
    new_secret = _secret()


class OpenSessionSchema(Schema):
    """One of one's own sessions."""

    id = ma.fields.UUID()
    created_at = Moment()
    seen_at = Moment()
    expires_at = Moment()
    is_this = ma.fields.Boolean()


def _role() -> ma.fields.String:
    return ma.fields.String(required=True, validate=ma.validate.OneOf(sorted(role.value for role in STAFF)))


class StaffDraftSchema(Schema):
    """A colleague's new account."""

    login = line_of_text(100)
    role = _role()

    @ma.validates("login")
    def _is_no_number(self, value: str, **_more: object) -> None:
        if value != value.strip() or value.replace(" ", "").isdigit():
            raise ma.ValidationError("Must be a name without spaces at its ends, and no number.")

    @ma.post_load
    def _with_role(self, data: dict[str, Any], **_more: object) -> dict[str, Any]:
        return data | {"role": Role(data["role"])}


class RoleSchema(Schema):
    """Another role."""

    role = _role()


class WaysSchema(Schema):
    """How one may sign in here."""

    provider = ma.fields.Boolean(metadata={"description": "At `/api/session/oidc`."})
    code_is_demanded = ma.fields.Boolean()


class IdentitySchema(Schema):
    """Who somebody is at the provider of OpenID Connect; null takes it away."""

    subject = ma.fields.String(
        required=True,
        allow_none=True,
        load_only=True,
        validate=[ma.validate.Length(1, 255), ENCODABLE],
        metadata={"description": "The provider's `sub`; only a digest of it is kept."},
    )


class StaffAccountSchema(Schema):
    """A colleague's account."""

    id = ma.fields.UUID()
    login = ma.fields.String()
    role = ma.fields.String()
    created_at = Moment()
    disabled_at = Moment(allow_none=True)
    has_totp = ma.fields.Boolean()
    has_oidc = ma.fields.Boolean()


class NewStaffSchema(Schema):
    """An account and the password that was made for it, shown this once."""

    account = ma.fields.Nested(StaffAccountSchema)
    secret = ma.fields.String()


class KeyDraftSchema(Schema):
    """A key for a program."""

    name = line_of_text(100)
    scopes = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf([scope.value for scope in Scope])),
        required=True,
        validate=ma.validate.Length(1, len(Scope)),
    )
    expires_at = Moment(required=True)

    @ma.post_load
    def _draft(self, data: dict[str, Any], **_more: object) -> KeyDraft:
        expires_at: datetime = data["expires_at"]
        return KeyDraft(data["name"], frozenset(Scope(one) for one in data["scopes"]), expires_at)


class ApiKeySchema(Schema):
    """A key as it is kept."""

    id = ma.fields.UUID()
    name = ma.fields.String()
    prefix = ma.fields.String()
    scopes = ma.fields.Function(
        lambda key: sorted(key.scopes), metadata={"type": "array", "items": {"type": "string"}}
    )
    made_by = ma.fields.UUID(allow_none=True)
    created_at = Moment()
    expires_at = Moment()
    used_on = ma.fields.Date(allow_none=True)
    revoked_at = Moment(allow_none=True)


class NewApiKeySchema(Schema):
    """A key with its text, shown this once."""

    key = ma.fields.Nested(ApiKeySchema)
    text = ma.fields.String()


class TrailQuerySchema(Schema):
    """Which rows of the audit trail; what is left out is not asked for."""

    actor_id = ma.fields.UUID()
    object_id = ma.fields.UUID()
    act = ma.fields.String(
        validate=ma.validate.Regexp(
            r"^[a-z_]{1,40}(\.[a-z_]{1,60})?\Z", error="Give a room, or <room>.<verb>."
        ),
        metadata={"description": "`alerts` or `alerts.acknowledge`."},
    )
    since = Moment()
    until = Moment()


class ActSchema(Schema):
    """One row of the audit trail: ids and kinds, no text that anybody wrote."""

    id = ma.fields.UUID()
    at = Moment()
    actor_id = ma.fields.UUID(allow_none=True)
    act = ma.fields.String()
    object_id = ma.fields.UUID(allow_none=True)
    has_reason = ma.fields.Boolean()


class FaultSchema(Schema):
    """One place where the chain does not hold."""

    where = ma.fields.String()
    what = ma.fields.String()


class VerifiedSchema(Schema):
    """What looking at the whole chain found."""

    links = ma.fields.Integer()
    rows = ma.fields.Integer()
    head = ma.fields.Function(
        lambda found: f"{found.head.number}:{found.head.link}", metadata={"type": "string"}
    )
    faults = ma.fields.List(ma.fields.Nested(FaultSchema))
