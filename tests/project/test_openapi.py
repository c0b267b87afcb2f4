import json
from pathlib import Path

import pytest

from api.app import openapi_of
from api.kernel.config import Settings
from tests.project.sources import ROOT

SNAPSHOT = ROOT / "ops/contracts/openapi.json"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_env({"BAKEN_HOME": str(tmp_path), "BAKEN_SERVER_KEY": "0" * 64})


def test_the_api_is_the_one_that_was_agreed_upon(settings: Settings) -> None:
    """A change of the API is seen in review: `python -m api openapi > ops/contracts/openapi.json`."""
    assert openapi_of(settings) == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_every_operation_says_what_it_does(settings: Settings) -> None:
    silent = [
        f"{method} {path}"
        for path, operations in openapi_of(settings)["paths"].items()
        for method, operation in operations.items()
        if method != "parameters" and not operation.get("summary")
    ]
    assert silent == []
