"""Files of data that people write by hand: read strictly, and with the line of every fault."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from api.kernel.config import SettingError


def read_text(path: Path, max_bytes: int, setting: str) -> str:
    """Return the text of a file that people write.

    Args:
        path: The file.
        max_bytes: More is refused.
        setting: The setting that names the file or its folder; part of what to do when it cannot be read.

    Raises:
        SettingError: It cannot be read, is too long, or is not UTF-8.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read ({error.strerror}): set {setting} to another.") from error
    if len(body) > max_bytes:
        raise SettingError(f"{path}: must be smaller than {max_bytes // 1024} KiB.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise SettingError(f"{path} is not UTF-8.") from error


@contextmanager
def yaml_faults(path: Path) -> Iterator[None]:
    """Turn what is wrong with the YAML of this file into `SettingError`: `file:line: reason`."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingError(f"{path}:{line}: this is not YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise SettingError(f"{path}: this is not YAML.") from error


def plain_of(text: str) -> Any:  # noqa: ANN401 - whatever a file holds
    """Return YAML as plain data; a key that stands twice, and an alias, are refused.

    Raises:
        yaml.YAMLError: It is not such YAML.
        RecursionError: It nests too deep.
    """
    return _plain(yaml.compose(text, Loader=yaml.SafeLoader), set())


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """Return the line, from 1, on which the value at `path`, or what holds it, begins."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 0
    for part in path:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return line + 1


def _plain(node: yaml.Node | None, seen: set[int]) -> Any:  # noqa: ANN401 - as above
    if id(node) in seen:
        wrong = "an alias repeats what begins here: write it out"
        raise yaml.MarkedYAMLError(problem=wrong, problem_mark=None if node is None else node.start_mark)
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.value in found:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands twice", problem_mark=key.start_mark)
            found[str(key.value)] = _plain(value, seen)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, seen) for one in node.value]
    if isinstance(node, yaml.ScalarNode):
        return _value(node)
    return None


def _value(node: yaml.ScalarNode) -> Any:  # noqa: ANN401 - as above
    try:
        return yaml.SafeLoader("").construct_object(node)
    except ValueError as error:
        wrong = f"{node.value[:40]!r} is neither a date nor a number: put it in quotes"
        raise yaml.MarkedYAMLError(problem=wrong, problem_mark=node.start_mark) from error


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs: Mapping[str, tuple[int, yaml.Node]] = {
            str(key.value): (key.start_mark.line, value) for key, value in node.value
        }
        return pairs.get(str(part))
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    return None
