"""What a plan offers: read from its folder, once."""

from functools import lru_cache
from pathlib import Path

from api.kernel.config import SettingError
from api.kernel.yaml_files import line_of, plain_of, read_text, yaml_faults
from api.safety_plans.model.content import BadContent, PlanContent
from api.safety_plans.rules.content import parse_content

FOLDER = "plan"
"""Where under `Settings.content_dir` the files of the plan are."""
MAX_BYTES = 256 * 1024
_SETTING = "BAKEN_CONTENT"


@lru_cache(maxsize=4)
def load_content(content_dir: Path) -> PlanContent:
    """Return the content of every plan; a change of its files is seen at the next start.

    Raises:
        SettingError: It cannot be used: `file:line: reason`.
    """
    folder = content_dir / FOLDER
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise SettingError(f"{folder} has no *.yaml file: set {_SETTING} to a folder with plan/*.yaml.")
    texts = {path.name: read_text(path, MAX_BYTES, _SETTING) for path in paths}
    plain = {}
    for name, text in texts.items():
        with yaml_faults(folder / name):
            plain[name] = plain_of(text)
    try:
        return parse_content(plain)
    except BadContent as bad:
        line = line_of(texts.get(bad.file, ""), bad.path)
        entry = ".".join(map(str, bad.path))
        place = f"{folder / bad.file}:{line}"
        raise SettingError(
            f"{place}: {entry}: {bad.message}" if entry else f"{place}: {bad.message}"
        ) from bad
