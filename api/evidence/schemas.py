"""JSON of evidence: what a pack is asked for with, and the key it is signed with."""

import marshmallow as ma

from api.evidence.model.pack import MAX_REASON_CHARACTERS, Variant
from api.kernel.http import Schema


class PackDraftSchema(Schema):
    """For whom and why a pack is made."""

    variant = ma.fields.Enum(Variant, by_value=True, required=True)
    reason = ma.fields.String(required=True, validate=ma.validate.Length(1, MAX_REASON_CHARACTERS))


class KeySchema(Schema):
    """The public half of the signing key; `fingerprint` is for reading it out to each other."""

    algorithm = ma.fields.String()
    public_key = ma.fields.String()
    fingerprint = ma.fields.String()
