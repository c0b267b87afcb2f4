"""Every setting, read once from the environment; fails at start with what is wrong and what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHARD_COUNT = 64
"""Topics carry a shard 0..63 (DESIGN section 3), so that more workers can share the devices later."""

COVERS = ("timer", "converter")
PLAYBOOKS = Path(__file__).parents[2] / "ops" / "playbooks"
"""Where the playbooks are that come with the project."""
CONTENT = Path(__file__).parents[2] / "ops" / "content"
"""Where the texts are that come with the project."""
WEBHOOK_FORMATS = ("json", "cap")
PUSH_HOSTS = "fcm.googleapis.com,*.push.services.mozilla.com,*.notify.windows.com,web.push.apple.com"
"""The push services of Chromium, Firefox, Edge and Safari."""
SMS_LANGUAGES = ("en", "nl")


class SettingError(Exception):
    """A setting is missing or unusable; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Where staff sign in when the organisation has a provider of its own (OpenID Connect).

    Attributes:
        issuer: The provider's address, as its tokens name it.
        client_id: What the provider calls this house.
        secret: Shared with the provider.
        return_url: This house's `/api/session/oidc/return`, as browsers reach it.
        role_claim: Which claim says what somebody may.
        roles: From that claim's texts to our roles.
        may_create: Whether an account is made for somebody whom no supervisor has given one.
        mfa: What `amr` or `acr` must hold one of; `none` demands nothing.
    """

    issuer: str
    client_id: str
    secret: str
    return_url: str
    role_claim: str
    roles: Mapping[str, str]
    may_create: bool
    mfa: frozenset[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between one deployment and another.

    Attributes:
        home: Folder for the database, the broker's store and generated secrets.
        database_url: SQLAlchemy address; SQLite or PostgreSQL (`postgresql+psycopg://…`).
        host: Address that every listening process binds to.
        control_port: Staff's web: control room and administration.
        app_port: Protected persons' web, neutral; also takes OwnTracks' HTTP mode.
        mqtt_host: Where the broker is.
        mqtt_port: Its MQTT port.
        nats_port: Its own port; nobody uses it, NATS insists on one.
        server_key: 32 bytes; encrypts columns and derives the internal broker passwords.
        shards: Which shards this worker takes.
        webhook_url: Where police alerts go; None sends none.
        webhook_secret: Shared with the receiver, signs each delivery and each acknowledgement of theirs.
        webhook_format: What the receiver reads: `json` or `cap` (CAP 1.2 XML).
        cap_sender: Who we are in CAP messages.
        sms_url: The gateway for SMS to staff; None sends none.
        sms_token: Known to the gateway: the bearer of our requests, and the secret that signs its reports.
        sms_language: Of the texts to staff: `en` or `nl`.
        push_hosts: Whose push services may be called; `*.` stands for every name below.
        vapid_subject: Where a push service can reach whoever runs this house.
        cover: What the protected person's messages pretend to come from.
        police_port: Where the demo's stand-in for the police listens, when no webhook_url is set.
        limits_file: TOML file with this house's limits (`api.geofence.service.limits`); None: the defaults.
        playbook_file: Who is told of what, in which order (`api.alerts.service.playbooks`).
        content_dir: Folder of what people read: plan, red flags, addresses of help.
        tls: True behind HTTPS: cookies become Secure and HSTS is sent.
        staff_totp: Whether staff must have a second factor; False lets a password alone in where none is set.
        oidc: The organisation's provider; None: staff sign in here alone.
    """

    home: Path
    database_url: str
    host: str
    control_port: int
    app_port: int
    mqtt_host: str
    mqtt_port: int
    nats_port: int
    server_key: bytes
    shards: frozenset[int]
    webhook_url: str | None
    webhook_secret: bytes
    webhook_format: str
    cap_sender: str
    sms_url: str | None
    sms_token: bytes
    sms_language: str
    push_hosts: tuple[str, ...]
    vapid_subject: str
    cover: str
    tls: bool
    staff_totp: bool
    oidc: OidcSettings | None
    police_port: int
    limits_file: Path | None
    playbook_file: Path
    content_dir: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; raises SettingError. The table in README.md is tested against this."""
        home = home_of(environ)
        values = {**read_secrets(home), **environ}
        webhook_secret = values.get("BAKEN_WEBHOOK_SECRET", "")
        webhook_url = values.get("BAKEN_WEBHOOK_URL") or None
        if webhook_url and not webhook_secret:
            raise SettingError("BAKEN_WEBHOOK_URL is set without BAKEN_WEBHOOK_SECRET: set both.")
        sms_url, sms_token = values.get("BAKEN_SMS_URL") or None, values.get("BAKEN_SMS_TOKEN", "")
        if sms_url and not re.fullmatch(r"[!-~]+", sms_token):
            raise SettingError(
                "BAKEN_SMS_URL is set without a usable BAKEN_SMS_TOKEN: set both, without spaces."
            )
        return cls(
            home=home,
            database_url=values.get("BAKEN_DATABASE_URL", f"sqlite:///{home / 'baken.db'}"),
            host=_host(values, "BAKEN_HOST", "127.0.0.1"),
            control_port=_port(values, "BAKEN_CONTROL_PORT", 8460),
            app_port=_port(values, "BAKEN_APP_PORT", 8470),
            mqtt_host=values.get("BAKEN_MQTT_HOST", "127.0.0.1"),
            mqtt_port=_port(values, "BAKEN_MQTT_PORT", 18830),
            nats_port=_port(values, "BAKEN_NATS_PORT", 14222),
            server_key=_key(values, "BAKEN_SERVER_KEY"),
            shards=_shards(values.get("BAKEN_SHARDS", f"0-{SHARD_COUNT - 1}")),
            webhook_url=webhook_url,
            webhook_secret=webhook_secret.encode(),
            webhook_format=_choice(values, "BAKEN_WEBHOOK_FORMAT", WEBHOOK_FORMATS),
            cap_sender=_cap_sender(values.get("BAKEN_CAP_SENDER", "baken")),
            sms_url=sms_url,
            sms_token=sms_token.encode(),
            sms_language=_choice(values, "BAKEN_SMS_LANGUAGE", SMS_LANGUAGES),
            push_hosts=_hosts(values.get("BAKEN_PUSH_HOSTS", PUSH_HOSTS)),
            vapid_subject=_subject(values.get("BAKEN_VAPID_SUBJECT", "mailto:push@localhost")),
            cover=_choice(values, "BAKEN_COVER", COVERS),
            tls=_choice(values, "BAKEN_TLS", ("no", "yes")) == "yes",
            staff_totp=_choice(values, "BAKEN_STAFF_TOTP", ("required", "optional")) == "required",
            oidc=_oidc(values),
            police_port=_port(values, "BAKEN_POLICE_PORT", 8480),
            playbook_file=_playbook(values.get("BAKEN_PLAYBOOK") or "nl"),
            content_dir=content_dir_of(values),
            limits_file=Path(limits).resolve() if (limits := values.get("BAKEN_LIMITS")) else None,
        )


def home_of(environ: Mapping[str, str]) -> Path:
    """Return the folder that everything generated is kept in."""
    return Path(environ.get("BAKEN_HOME") or "var").resolve()


def content_dir_of(environ: Mapping[str, str]) -> Path:
    """Return the folder of the texts that protected people read."""
    given = environ.get("BAKEN_CONTENT")
    return Path(given).resolve() if given else CONTENT


def secrets_file(home: Path) -> Path:
    """Return where the secrets generated at the first run are kept, readable by the owner only."""
    return home / "secrets.env"


def read_secrets(home: Path) -> dict[str, str]:
    """Return the generated secrets, or nothing before the first run; the environment wins over them."""
    path = secrets_file(home)
    return read_lines(path) if path.exists() else {}


def read_lines(path: Path) -> dict[str, str]:
    """Return the `NAME=value` lines of a file that we wrote."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} cannot be read: put it back from a copy.") from error
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _host(values: Mapping[str, str], name: str, default: str) -> str:
    text = values.get(name, default)
    if not text or ":" in text:
        raise SettingError(f"{name}={text!r} is not an address: give an IPv4 address or a host name.")
    return text


def _port(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise SettingError(f"{name}={text!r} is not a port: give a number from 1 to 65535.")
    return int(text)


def _key(values: Mapping[str, str], name: str) -> bytes:
    text = values.get(name, "")
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise SettingError(
            f"{name} must be 64 hexadecimal digits: run `make run` or `python -m api setup` once, "
            "which generates it, or set it yourself."
        )
    return bytes.fromhex(text)


def _shards(text: str) -> frozenset[int]:
    match = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", text)
    if match:
        first, last = int(match[1]), int(match[2] or match[1])
        if first <= last < SHARD_COUNT:
            return frozenset(range(first, last + 1))
    raise SettingError(f"BAKEN_SHARDS={text!r} is not a range: give 0-{SHARD_COUNT - 1} or part of it.")


def _playbook(text: str) -> Path:
    """Return the file of a playbook: one that comes with the project by its name, or any by its path."""
    own = PLAYBOOKS / f"{text}.yaml"
    return own if re.fullmatch("[a-z]+", text) and own.is_file() else Path(text).resolve()


def _cap_sender(text: str) -> str:
    if not re.fullmatch(r"[^\s,<&]{1,100}", text):
        raise SettingError(
            f"BAKEN_CAP_SENDER={text!r} cannot name a sender in CAP: give 1 to 100 characters "
            "without spaces, commas, < and &."
        )
    return text


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if wrong := [host for host in hosts if not re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", host)]:
        raise SettingError(f"BAKEN_PUSH_HOSTS has {wrong[0]!r}: give host names parted by commas.")
    return hosts


def _subject(text: str) -> str:
    if not re.fullmatch(r"mailto:[\w.+-]+@[\w.-]+|https://[\w.-]+\.[\w-]+", text, re.ASCII):
        raise SettingError(f"BAKEN_VAPID_SUBJECT={text!r} is no contact: give mailto:… or https://….")
    return text


STAFF_ROLES = ("operator", "supervisor", "case_worker", "officer", "auditor")
"""The same as `accounts.model.STAFF`, which a test holds it to: the kernel knows no room."""


def _oidc(values: Mapping[str, str]) -> OidcSettings | None:
    issuer = values.get("BAKEN_OIDC_ISSUER", "")
    if not issuer:
        return None
    return OidcSettings(
        issuer=_secure(issuer, "BAKEN_OIDC_ISSUER"),
        client_id=_given(values, "BAKEN_OIDC_CLIENT_ID"),
        secret=_given(values, "BAKEN_OIDC_SECRET"),
        return_url=_secure(values.get("BAKEN_OIDC_RETURN", ""), "BAKEN_OIDC_RETURN"),
        role_claim=values.get("BAKEN_OIDC_ROLE_CLAIM") or "roles",
        roles=_mapped_roles(values.get("BAKEN_OIDC_ROLES", "")),
        may_create=_choice(values, "BAKEN_OIDC_CREATE", ("no", "yes")) == "yes",
        mfa=frozenset((values.get("BAKEN_OIDC_MFA") or "mfa").split(",")),
    )


def _given(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "")
    if not re.fullmatch(r"[!-~]+", text):
        raise SettingError(f"BAKEN_OIDC_ISSUER is set without a usable {name}: set it, without spaces.")
    return text


def _secure(text: str, name: str) -> str:
    """Return an address that only its owner answers at: HTTPS, or this machine itself."""
    if not re.fullmatch(
        r"https://[^\s/?#@]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?", text
    ):
        raise SettingError(f"{name}={text!r} is no address for sign-ins: give https://….")
    return text


def _mapped_roles(text: str) -> dict[str, str]:
    pairs = [part.strip().rpartition("=") for part in text.split(",") if part.strip()]
    wrong = [role for claim, _equals, role in pairs if not claim or role not in STAFF_ROLES]
    if wrong or not pairs:
        raise SettingError(
            f"BAKEN_OIDC_ROLES={text!r} maps nothing: give pairs such as room=operator parted by commas, "
            f"with the roles {', '.join(STAFF_ROLES)}."
        )
    return {claim: role for claim, _equals, role in pairs}


def _choice(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = values.get(name, choices[0])
    if text not in choices:
        raise SettingError(f"{name}={text!r} is unknown: choose one of {', '.join(choices)}.")
    return text
