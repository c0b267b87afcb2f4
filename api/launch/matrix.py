"""`python -m api routes`: who may call what, over both hosts."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from api.accounts.model import Role
from api.accounts.model.staff import ENROLLING
from api.app import Audience, create_app
from api.kernel.config import Settings
from api.kernel.db import make_engine
from api.kernel.http import allowed_roles, scope_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EVERYBODY = "public"
SIGNER = "signed"
ACTORS = (*(role.value for role in Role), ENROLLING)
_HEAD = """\
# Who may call what, by the marks on the routes; written by `python -m api routes`.
# A number is allowed where it stands: {legend}.
# What is not allowed is answered 404, or 401 to whoever has not signed in. Machines: `signed` is a body
# signed with the agreed secret; `key …` is a key with this scope.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One method of one address.

    Attributes:
        allowed: Roles, EVERYBODY or SIGNER; None when the view has no mark, which nobody may call.
        scope: What a key needs; None when no key may.
    """

    host: Audience
    method: str
    address: str
    endpoint: str
    allowed: frozenset[str] | None
    scope: str | None

    def admits(self, actor: str) -> bool:
        """Say whether an actor of this role gets past the guard."""
        return self.allowed is not None and not self.allowed.isdisjoint({actor, EVERYBODY})


def entries_of(app: Flask, host: Audience) -> Iterator[Entry]:
    """Yield everything that can be called at a host, in no order."""
    for rule in app.url_map.iter_rules():
        for method in METHODS:
            if method in (rule.methods or ()):
                allowed = allowed_roles(app, rule.endpoint, method)
                scope = scope_of(app, rule.endpoint, method)
                yield Entry(host, method, rule.rule, rule.endpoint, allowed, scope)


def matrix_of(settings: Settings) -> str:
    """Return the whole matrix as text: what `ops/contracts/routes.txt` must equal."""
    legend = ", ".join(f"{number} {actor}" for number, actor in enumerate(ACTORS, 1))
    engine = make_engine(settings.database_url, settings.server_key)
    lines = []
    for host in Audience:
        entries = entries_of(create_app(settings, engine, host), host)
        lines += [_line(entry) for entry in sorted(entries, key=lambda one: (one.address, one.method))]
    return _HEAD.format(legend=legend) + "\n".join(lines) + "\n"


def _line(entry: Entry) -> str:
    marks = " ".join(str(number) if entry.admits(actor) else "." for number, actor in enumerate(ACTORS, 1))
    allowed = entry.allowed or frozenset()
    more = [word for word in (EVERYBODY, SIGNER) if word in allowed]
    more += [f"key {entry.scope}"] if entry.scope else []
    more += [] if entry.allowed is not None else ["NOBODY"]
    return f"{entry.host:<8}{marks}  {entry.method:<7}{entry.address}  {' '.join(more)}".rstrip()
