"""Which content the house goes by: read from its file once, refused at the start when it cannot be used."""

from functools import lru_cache
from pathlib import Path

import yaml

from api.kernel.config import SettingError
from api.pathways.model.content import BadContent, HandoffLimits, PathwayContent
from api.pathways.model.pathways import Urgency
from api.pathways.rules.content import parse_content

FILE = "pathway.yaml"
MAX_BYTES = 256 * 1024


@lru_cache(maxsize=8)
def pathway_content(content_dir: Path) -> PathwayContent:
    """Return the pathway of a content folder; raises SettingError as `read_content` does."""
    return read_content(content_dir / FILE)


def read_content(path: Path) -> PathwayContent:
    """Return the content of a file.

    Raises:
        SettingError: It cannot be used: `file: entry: what to do`.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}): set BAKEN_CONTENT to a folder that has it."
        raise SettingError(message) from error
    if len(body) > MAX_BYTES:
        raise SettingError(f"{path}: is larger than {MAX_BYTES // 1024} KiB: shorten it.")
    try:
        return parse_content(yaml.safe_load(body.decode()))
    except UnicodeDecodeError as error:
        raise SettingError(f"{path}: is not UTF-8: save it as UTF-8.") from error
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        place = f"{path}:{mark.line + 1}" if mark else f"{path}"
        raise SettingError(f"{place}: this is not YAML: correct it.") from error
    except (BadContent, ValueError) as bad:
        raise SettingError(f"{path}: {bad}") from bad


def limits_of(content: PathwayContent, urgency: Urgency) -> HandoffLimits:
    """Return how long each rung is asked under this urgency."""
    return content.acute if urgency is Urgency.ACUTE else content.ordinary
