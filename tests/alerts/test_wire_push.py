import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.alerts.wire.push import BadSubscription, encode_push, origin_of, read_subscription, url_base64
from api.kernel.config import COVERS, Settings
from api.safety_plans.model import cover_named
from tests.alerts.push_service import Browser

HOSTS = Settings.from_env({"BAKEN_SERVER_KEY": "0" * 64}).push_hosts
GOOD = "https://fcm.googleapis.com/fcm/send/abc:def"


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        (GOOD, "https://fcm.googleapis.com"),
        ("https://FCM.googleapis.com:443/x", "https://fcm.googleapis.com"),
        ("https://updates.push.services.mozilla.com/wpush/v2/x", "https://updates.push.services.mozilla.com"),
        ("https://db5p.notify.windows.com/?token=x", "https://db5p.notify.windows.com"),
        ("https://web.push.apple.com/x", "https://web.push.apple.com"),
    ],
)
def test_the_push_services_of_the_setting_are_called(endpoint: str, origin: str) -> None:
    assert origin_of(endpoint, HOSTS) == origin


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://fcm.googleapis.com/x",
        "ftp://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com:x/",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilfcm.googleapis.com/x",
        "https://push.services.mozilla.com/x",
        "https://evilpush.services.mozilla.com/x",
        "https://.push.services.mozilla.com/x",
        "https://xn--a.push.services.mozilla.com/x",
        "https://XN--a.push.services.mozilla.com/x",
        "https://a.xn--a.push.services.mozilla.com/x",
        "https://a..push.services.mozilla.com/x",
        "https://-a.push.services.mozilla.com/x",
        f"https://{'a' * 64}.push.services.mozilla.com/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1:8460/api/alerts",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::1",
        "https://169.254.169.254/latest/meta-data",
        "https://fcm.googleapis.com@127.0.0.1/x",
        "https://user@fcm.googleapis.com/x",
        "https://:secret@fcm.googleapis.com/x",
        "https://127.0.0.1\\@fcm.googleapis.com/x",
        "https://fcm.googleapis.com/a b",
        "https://fcm.googleapis.com/\n",
        "https://fcm.googleapis.com/é",
        GOOD + "x" * 2048,
    ],
)
def test_nobody_can_make_us_call_whom_they_like(endpoint: str) -> None:
    assert origin_of(endpoint, HOSTS) is None


def test_loopback_is_called_only_if_it_is_named() -> None:
    assert origin_of("http://127.0.0.1:81/x", (*HOSTS, "127.0.0.1")) == "http://127.0.0.1:81"
    assert origin_of("http://127.0.0.1/x", ("127.0.0.1",)) == "http://127.0.0.1:80"


@given(st.text(max_size=60))
def test_no_text_breaks_the_check(text: str) -> None:
    origin = origin_of(f"https://{text}", HOSTS)
    assert origin is None or origin.endswith((".com",))


def test_a_browsers_keys_are_taken_as_it_writes_them() -> None:
    said = Browser(GOOD).subscription
    read = read_subscription(GOOD, said["keys"]["p256dh"], said["keys"]["auth"], HOSTS)
    assert url_base64(read.point) == said["keys"]["p256dh"]
    assert url_base64(read.auth) == said["keys"]["auth"]


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", None),
        ("###", None),
        ("é", None),
        (url_base64(b"\x04" + bytes(64)), None),
        (url_base64(b"\x04" * 64), None),
        (None, ""),
        (None, url_base64(bytes(15))),
        (None, url_base64(bytes(17))),
    ],
)
def test_keys_that_are_none_are_refused(p256dh: str | None, auth: str | None) -> None:
    keys = Browser(GOOD).subscription["keys"]
    with pytest.raises(BadSubscription, match="These keys"):
        read_subscription(
            GOOD,
            keys["p256dh"] if p256dh is None else p256dh,
            keys["auth"] if auth is None else auth,
            HOSTS,
        )


def test_an_address_that_we_do_not_call_is_refused() -> None:
    keys = Browser(GOOD).subscription["keys"]
    with pytest.raises(BadSubscription, match="This address"):
        read_subscription("https://localhost/", keys["p256dh"], keys["auth"], HOSTS)


def test_every_message_has_the_same_size_and_can_be_read() -> None:
    for cover in COVERS:
        for text in cover_named(cover).neutral_texts:
            plain = encode_push(UUID(int=5), text)
            assert len(plain) == 512
            assert json.loads(plain) == {"id": str(UUID(int=5)), "text": text}
    with pytest.raises(ValueError, match="too long"):
        encode_push(UUID(int=5), "x" * 512)
