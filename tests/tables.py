"""Makes every table known to the metadata, whichever room it lives in."""

import importlib
from pathlib import Path

import api

ROOT = Path(api.__file__).parent


def import_all_tables() -> None:
    """Import each room's store and the kernel's audit trail."""
    for path in sorted(
        [
            *ROOT.glob("*/store.py"),
            *ROOT.glob("*/store/*.py"),
            ROOT / "kernel/audit.py",
            ROOT / "kernel/heartbeats.py",
            ROOT / "kernel/ledger.py",
        ]
    ):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        importlib.import_module(".".join(parts).removesuffix(".__init__"))
