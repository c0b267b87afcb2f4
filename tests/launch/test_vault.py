"""What PINs open survives a change of the server key."""

import io
import uuid
from datetime import datetime
from pathlib import Path

import pytest

from api.accounts import service
from api.kernel.config import SettingError
from api.kernel.db import Base, make_engine, reading, transaction
from api.launch import vault
from tests.tables import import_all_tables

FORMER, PRESENT = bytes(32), bytes(range(32))


def test_every_account_opens_under_the_new_key_and_nothing_is_lost(tmp_path: Path, now: datetime) -> None:
    import_all_tables()
    url = f"sqlite:///{tmp_path / 'baken.db'}"
    before, after = make_engine(url, FORMER), make_engine(url, PRESENT)
    Base.metadata.create_all(before)
    new = service.prepare_person("295071")
    with transaction(before) as session:
        account = service.add_person_account(session, uuid.uuid4(), new, now)
    out = io.StringIO()
    for _twice in range(2):
        vault.run(after, {"BAKEN_FORMER_SERVER_KEY": FORMER.hex()}, out)
    with reading(after) as session:
        held = service.hold(session, account)
    assert service.try_pin(held, new.number_key, "295071").content is not None
    assert out.getvalue().splitlines()[-1] == "1 accounts are sealed under the present key."


@pytest.mark.parametrize("key", ["", "00", "nonsense"])
def test_without_the_former_key_it_says_what_it_needs(key: str) -> None:
    with pytest.raises(SettingError, match="64 hexadecimal digits"):
        vault.run(make_engine("sqlite://", PRESENT), {"BAKEN_FORMER_SERVER_KEY": key})
