"""Content that is not whole stops a start: nobody is sent to an address that is not there."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from api.app import Audience, create_app
from api.kernel.config import CONTENT, SettingError, Settings
from api.safety_plans.service.screening import FILE, check_ways


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONTENT, tmp_path / "content"))


def start(engine: Engine, content: Path, audience: Audience = Audience.CONTROL) -> None:
    environ = {"BAKEN_HOME": "nowhere", "BAKEN_SERVER_KEY": "0" * 64, "BAKEN_CONTENT": str(content)}
    create_app(Settings.from_env(environ), engine, audience)


def test_a_list_that_leads_to_an_address_which_is_not_there_is_refused(content: Path) -> None:
    check_ways(content)
    text = (content / "directory.yaml").read_text(encoding="utf-8")
    (content / "directory.yaml").write_text(text.replace("  veilig_thuis:\n", "  thuis:\n"), encoding="utf-8")
    moved = shutil.move(content, content.with_name("other"))
    with pytest.raises(SettingError, match="leads to veilig_thuis, which is not in the directory"):
        check_ways(Path(moved))


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("name", [FILE, "directory.yaml", "decoys.yaml"])
def test_no_host_starts_with_half_its_content(
    name: str, audience: Audience, sqlite_engine: Engine, content: Path
) -> None:
    start(sqlite_engine, CONTENT, audience)
    (content / name).write_text("version: x\n", encoding="utf-8")
    with pytest.raises(SettingError, match=name):
        start(sqlite_engine, content, audience)
