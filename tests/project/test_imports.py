import subprocess
import sys

import grimp

from tests.project.sources import ROOT

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def test_every_import_contract_holds() -> None:
    """In a process of its own: the linter switches off every logger that exists, for all tests after it."""
    done = subprocess.run([sys.executable, "-c", LINT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_room_imports_the_store_of_another() -> None:
    graph = grimp.build_graph("api")
    strangers = [
        f"{importer} imports {imported}"
        for imported in graph.modules
        if imported.split(".")[2:3] == ["store"]
        for importer in graph.find_modules_that_directly_import(imported)
        if importer.split(".")[:2] != imported.split(".")[:2]
    ]
    assert sorted(strangers) == []
