"""Settings: what is read, and how clearly a wrong one is told."""

from pathlib import Path

import pytest

from api.kernel.config import SHARD_COUNT, SettingError, Settings, read_secrets, secrets_file

KEY = "0123456789abcdef" * 4


def read(home: Path, **more: str) -> Settings:
    return Settings.from_env({"BAKEN_HOME": str(home), "BAKEN_SERVER_KEY": KEY} | more)


def test_only_the_key_must_be_given(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.server_key == bytes.fromhex(KEY)
    assert settings.host == "127.0.0.1"
    assert settings.database_url == f"sqlite:///{tmp_path / 'baken.db'}"
    assert settings.shards == frozenset(range(SHARD_COUNT))
    assert settings.webhook_url is None
    assert settings.limits_file is None
    assert not settings.tls


def test_every_setting_can_be_given(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        BAKEN_DATABASE_URL="postgresql+psycopg://x",
        BAKEN_CONTROL_PORT="1",
        BAKEN_APP_PORT="65535",
        BAKEN_MQTT_HOST="broker",
        BAKEN_SHARDS="3-5",
        BAKEN_WEBHOOK_URL="https://police.example/hook",
        BAKEN_WEBHOOK_SECRET="shared",
        BAKEN_COVER="converter",
        BAKEN_TLS="yes",
        BAKEN_LIMITS=str(tmp_path / "limits.toml"),
    )
    assert settings.database_url == "postgresql+psycopg://x"
    assert (settings.control_port, settings.app_port) == (1, 65535)
    assert settings.mqtt_host == "broker"
    assert settings.shards == {3, 4, 5}
    assert settings.webhook_secret == b"shared"
    assert settings.cover == "converter"
    assert settings.tls
    assert settings.limits_file == tmp_path / "limits.toml"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BAKEN_CONTROL_PORT", "0"),
        ("BAKEN_APP_PORT", "65536"),
        ("BAKEN_MQTT_PORT", "http"),
        ("BAKEN_NATS_PORT", ""),
        ("BAKEN_SERVER_KEY", ""),
        ("BAKEN_SERVER_KEY", "0" * 63),
        ("BAKEN_SERVER_KEY", "G" * 64),
        ("BAKEN_SHARDS", "5-3"),
        ("BAKEN_SHARDS", "0-64"),
        ("BAKEN_SHARDS", "all"),
        ("BAKEN_COVER", "weather"),
        ("BAKEN_TLS", "true"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError) as error:
        read(tmp_path, **{name: value})
    message = str(error.value)
    assert name in message
    assert any(hint in message for hint in ("give", "choose", "run"))
    assert "\n" not in message


def test_a_wrong_key_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as error:
        read(tmp_path, BAKEN_SERVER_KEY="almost" + KEY)
    assert KEY not in str(error.value)


def test_the_file_of_limits_is_found_from_wherever_a_program_is_started(tmp_path: Path) -> None:
    found = read(tmp_path, BAKEN_LIMITS="limits.toml").limits_file
    assert found == Path.cwd() / "limits.toml"
    assert read(tmp_path, BAKEN_LIMITS="").limits_file is None


def test_a_webhook_needs_its_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="BAKEN_WEBHOOK_SECRET"):
        read(tmp_path, BAKEN_WEBHOOK_URL="https://police.example/hook")


def test_generated_secrets_are_read_and_the_environment_wins(tmp_path: Path) -> None:
    secrets_file(tmp_path).write_text(f"# made by setup\nBAKEN_SERVER_KEY={KEY}\nBAKEN_COVER=converter\n")
    assert read_secrets(tmp_path) == {"BAKEN_SERVER_KEY": KEY, "BAKEN_COVER": "converter"}
    environ = {"BAKEN_HOME": str(tmp_path)}
    assert Settings.from_env(environ).server_key == bytes.fromhex(KEY)
    assert Settings.from_env(environ | {"BAKEN_SERVER_KEY": "f" * 64}).server_key == b"\xff" * 32
    assert read_secrets(tmp_path / "elsewhere") == {}


@pytest.mark.parametrize("host", ["", "::1", "http://127.0.0.1"])
def test_a_host_that_cannot_be_bound_as_it_is_written_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingError, match="BAKEN_HOST"):
        read(tmp_path, BAKEN_HOST=host)
