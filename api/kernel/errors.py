"""The four kinds of error that a use case may answer with.

    DomainError
    ├── NotFound    404  the thing is not there, or not there for this person
    ├── Forbidden   403  the person is known and the thing is known to exist, but may not be done
    ├── Conflict    409  the thing is in a state that does not allow this
    └── Invalid     422  the request is understood and wrong; `fields` says where

A room's own error is a subclass of one kind with one sentence. It takes ids, never texts of people.
"""


class DomainError(Exception):
    """A use case cannot be carried out, for a reason that the caller can understand."""

    def __init__(self, message: str, fields: dict[str, list[str]] | None = None) -> None:
        """Keep the sentence for the caller and, per field of the request, what is wrong with it."""
        super().__init__(message)
        self.message = message
        self.fields = fields or {}


class NotFound(DomainError):
    """The thing is not there, or not there for this person."""


class Forbidden(DomainError):
    """The thing exists for this person and may not be done by them."""


class Conflict(DomainError):
    """The thing is in a state that does not allow this."""


class Invalid(DomainError):
    """The request is understood and wrong."""
