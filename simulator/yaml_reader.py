"""Reads YAML so that every refusal names file, line and reason; knows nothing of stories."""

import math
from collections.abc import Collection
from pathlib import Path

import yaml

from simulator.world import Place


class StoryError(Exception):
    """A story cannot be played; the message is `file:line: reason`."""


class Field:
    """One value of a YAML file together with where it stands and what it is called."""

    def __init__(self, node: yaml.Node, path: Path, name: str) -> None:
        """Wrap a node of PyYAML's tree."""
        self._node, self._path = node, path
        self.name = name

    def refuse(self, reason: str) -> StoryError:
        """Return the error to raise about this value."""
        return StoryError(f"{self._path}:{self._node.start_mark.line + 1}: {reason}")

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, "Field"]:
        """Return the keys of a mapping; refuses unknown, repeated and missing ones."""
        known = {*required, *optional}
        found = self.mapping()
        for name, field in found.items():
            if name not in known:
                raise field.refuse(f"{self.name}: unknown key {name!r}; known are {', '.join(sorted(known))}")
        if missing := [name for name in required if name not in found]:
            raise self.refuse(f"{self.name}: {missing[0]!r} is missing")
        return found

    def mapping(self) -> dict[str, "Field"]:
        """Return the keys of a mapping whatever they are called."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.refuse(f"{self.name} must be a mapping of keys to values")
        found: dict[str, Field] = {}
        for key, value in self._node.value:
            name = str(key.value)
            if name in found:
                raise Field(key, self._path, name).refuse(f"{self.name}: {name!r} stands twice")
            found[name] = Field(value, self._path, name)
        return found

    def items(self) -> list["Field"]:
        """Return the members of a list."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.refuse(f"{self.name} must be a list")
        return [Field(node, self._path, self.name) for node in self._node.value]

    def is_list(self) -> bool:
        """Say whether it is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self._node, yaml.ScalarNode) or not str(self._node.value).strip():
            raise self.refuse(f"{self.name} must be a text")
        return str(self._node.value).strip()

    def number(self, low: float, high: float) -> float:
        """Return a number within bounds, both included."""
        try:
            value = float(self.text())
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise self.refuse(f"{self.name} must be a number from {low:g} to {high:g}")
        return value

    def whole(self, low: int, high: int) -> int:
        """Return a whole number within bounds."""
        value = self.number(low, high)
        if value != int(value):
            raise self.refuse(f"{self.name} must be a whole number")
        return int(value)

    def flag(self) -> bool:
        """Return true or false."""
        value = self.text()
        if value not in {"true", "false"}:
            raise self.refuse(f"{self.name} must be true or false")
        return value == "true"

    def choice(self, choices: Collection[str]) -> str:
        """Return one of the texts offered."""
        value = self.text()
        if value not in choices:
            raise self.refuse(f"{self.name}: {value!r} is unknown; known are {', '.join(sorted(choices))}")
        return value

    def place(self, places: dict[str, Place]) -> Place:
        """Return `[lat, lon]` or a place that has a name."""
        if isinstance(self._node, yaml.SequenceNode):
            parts = self.items()
            if len(parts) != 2:
                raise self.refuse(f"{self.name} must be [lat, lon]")
            return Place(parts[0].number(-90, 90), parts[1].number(-180, 180))
        return places[self.choice(places)]


def read_yaml(path: Path) -> Field:
    """Return the whole document; a file that is no YAML is refused with its line."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except OSError as error:
        raise StoryError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StoryError(f"{path}:1: not UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise StoryError(f"{path}:{line}: not YAML: {error.problem}") from error
    if node is None:
        raise StoryError(f"{path}:1: the file is empty")
    return Field(node, path, "story")
