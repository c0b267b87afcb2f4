"""Which playbook the house goes by: read from its file, kept in the database with all that came before."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.orm import Session

from api.alerts.model.playbooks import BadPlaybook, Playbook
from api.alerts.rules.playbooks import parse_playbook
from api.alerts.store import playbooks as store
from api.kernel import audit
from api.kernel.config import PLAYBOOKS, SettingError
from api.kernel.crypto import hash_token
from api.kernel.db import serialise
from api.kernel.logs import Log

DEFAULT = PLAYBOOKS / "nl.yaml"
"""What a house goes by that was given none: all ours is a proposal, whoever runs a house decides."""
MAX_BYTES = 256 * 1024

_log = Log("playbooks")


def read_playbook(path: Path) -> tuple[Playbook, str]:
    """Return the playbook of a file, and its text.

    Raises:
        SettingError: It cannot be used: `file:line: reason`.
    """
    try:
        body = path.read_bytes()
        if len(body) > MAX_BYTES:
            raise SettingError(f"{path}: a playbook is smaller than {MAX_BYTES // 1024} KiB.")
        text = body.decode()
    except OSError as error:
        raise SettingError(
            f"{path} cannot be read ({error.strerror}): set BAKEN_PLAYBOOK to another."
        ) from error
    except UnicodeDecodeError as error:
        raise SettingError(f"{path} is not UTF-8.") from error
    try:
        return _parsed(text), text
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingError(f"{path}:{line}: this is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise SettingError(f"{path}: this is not YAML.") from error
    except BadPlaybook as bad:
        raise SettingError(f"{path}:{_line_of(text, bad.path)}: {bad.message}") from bad


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
    return parse_playbook(_plain(yaml.compose(text, Loader=yaml.SafeLoader)), hash_token(text))


@lru_cache(maxsize=8)
def _past(text: str) -> Playbook:
    plain = _plain(yaml.compose(text, Loader=yaml.SafeLoader))
    return parse_playbook(plain, hash_token(text), is_past=True)


def _plain(node: yaml.Node | None) -> Any:  # noqa: ANN401 - whatever a file holds
    """Return YAML as plain data; a key that stands twice, and an alias, are refused."""
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.value in found:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands twice", problem_mark=key.start_mark)
            found[str(key.value)] = _plain(value)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    if isinstance(node, yaml.ScalarNode):
        return yaml.SafeLoader("").construct_object(node)
    return None


def _line_of(text: str, path: tuple[str | int, ...]) -> int:
    """Return the line of the file on which the value at `path`, or what holds it, begins."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 0
    for part in path:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line + 1


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs: Mapping[str, tuple[int, yaml.Node]] = {
            str(key.value): (key.start_mark.line, value) for key, value in node.value
        }
        return pairs.get(str(part))
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part].start_mark.line, node.value[part]
    return None
