"""The directory of help, read from its file."""

from functools import lru_cache
from pathlib import Path

from api.kernel.content import read
from api.pathways.model.directory import Directory
from api.pathways.rules.directory_file import parse_directory

FILE = "directory.yaml"


@lru_cache(maxsize=4)
def read_directory(content_dir: Path) -> Directory:
    """Return the directory of a folder of content, read once; raises SettingError when it is unusable."""
    return read(content_dir / FILE, parse_directory)
