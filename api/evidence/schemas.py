"""JSON of evidence: what a pack is asked for with, and the key it is signed with."""

import marshmallow as ma

from api.evidence.model.pack import MAX_REASON_CHARACTERS, Variant
from api.geofence.schemas.texts import free_text
from api.kernel.http import Schema


class PackDraftSchema(Schema):
    """For whom and why a pack is made."""

    variant = ma.fields.Enum(Variant, by_value=True, required=True)
    reason = free_text(MAX_REASON_CHARACTERS, required=True)


class KeySchema(Schema):
    """The public half of the signing key; `fingerprint` is for reading it out to each other."""

    algorithm = ma.fields.String()
    public_key = ma.fields.String()
    fingerprint = ma.fields.String()
