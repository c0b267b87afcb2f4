import re

from tests.project.sources import ROOT

NAME = re.compile(r"BAKEN_[A-Z_]+")


def test_every_setting_is_in_the_table_of_the_readme_and_nothing_else() -> None:
    read = set(NAME.findall((ROOT / "api/kernel/config.py").read_text(encoding="utf-8")))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.splitlines() if line.startswith("|")]
    told = {name for row in rows for name in NAME.findall(row.split("|")[1])}
    assert told == read
