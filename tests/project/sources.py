"""What ships: every file under version control, or about to be."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def shipped(*suffixes: str) -> list[Path]:
    """Files that Git knows or would add, of these suffixes or of all."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def texts() -> dict[str, str]:
    """Name and content of every file that is text."""
    found = {}
    for path in shipped():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found
