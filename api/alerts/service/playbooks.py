"""Which playbook the house goes by: read from its file, kept in the database with all that came before."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from api.alerts.model.playbooks import BadPlaybook, Playbook
from api.alerts.rules.playbooks import parse_playbook
from api.alerts.store import playbooks as store
from api.kernel import audit
from api.kernel.config import PLAYBOOKS, SettingError
from api.kernel.crypto import hash_token
from api.kernel.db import serialise
from api.kernel.logs import Log
from api.kernel.yaml_files import line_of, plain_of, read_text, yaml_faults

DEFAULT = PLAYBOOKS / "nl.yaml"
"""What a house goes by that was given none: all ours is a proposal, whoever runs a house decides."""
MAX_BYTES = 256 * 1024

_log = Log("playbooks")


def read_playbook(path: Path) -> tuple[Playbook, str]:
    """Return the playbook of a file, and its text.

    Raises:
        SettingError: It cannot be used: `file:line: reason`.
    """
    text = read_text(path, MAX_BYTES, "BAKEN_PLAYBOOK")
    try:
        with yaml_faults(path):
            return _parsed(text), text
    except BadPlaybook as bad:
        raise SettingError(f"{path}:{line_of(text, bad.path)}: {bad.message}") from bad


def take_over(session: Session, path: Path, now: datetime) -> Playbook:
    """Go by this file's playbook from now on; what is in use already is not noted again."""
    playbook, text = read_playbook(path)
    serialise(session, "playbook")
    known = store.find_current(session)
    if known is None or known[0] != playbook.digest:
        store.add_playbook(session, playbook.digest, text, now)
        reason = f"{playbook.name} {playbook.version}"
        audit.record(session, now, None, "alerts.playbook", None, reason)
    return playbook


def current(session: Session) -> Playbook:
    """Return the playbook that the house goes by.

    One that was taken into use under an older version of ours, and no longer says enough, is not gone by: an
    alert of a new kind must reach somebody. Ours stands in until the dispatcher has read the file again.
    """
    known = store.find_current(session)
    if known is None:
        return _default()
    try:
        return _parsed(known[1])
    except BadPlaybook as bad:
        _log.error("stored playbook cannot be used", reason=".".join(map(str, bad.path)))
        return _default()


def by_digest(session: Session, digest: str) -> Playbook:
    """Return the playbook under which a step began, should another be in use by now."""
    body = store.find_body(session, digest)
    return _default() if body is None else _past(body)


def list_uses(session: Session) -> list[tuple[datetime, Playbook]]:
    """Return since when which playbook was in use, oldest first; for evidence."""
    return [(since, _past(body)) for since, _digest, body in store.list_uses(session)]


def _default() -> Playbook:
    return read_playbook(DEFAULT)[0]


@lru_cache(maxsize=8)
def _parsed(text: str) -> Playbook:
    return parse_playbook(plain_of(text), hash_token(text))


@lru_cache(maxsize=8)
def _past(text: str) -> Playbook:
    return parse_playbook(plain_of(text), hash_token(text), is_past=True)
