"""Web Push through a push service on loopback: the test's browser reads what arrives, nobody else can."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.accounts import routes as accounts
from api.alerts import dispatcher, routes, service
from api.alerts.lanes.breaker import OPENS_AFTER
from api.alerts.model import AlertState, Channel, NotificationState
from api.alerts.rules.telling import CHOSEN_TEXT
from api.alerts.service import pushing
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import reading, transaction
from tests.accounts.hosts import make_host
from tests.alerts.push_service import Browser, vapid_claims
from tests.alerts.receiver import Receiver, open_receiver, say
from tests.alerts.sent import add_message, message, outcomes_of
from tests.alerts.stage import make_person_session, make_stage
from tests.conftest import SERVER_KEY
from tests.house import free_ports, wait_until

PERSON, ANOTHER = uuid4(), uuid4()
HOSTS = ("127.0.0.1", "fcm.googleapis.com")


@pytest.fixture
def maker() -> Iterator[Receiver]:
    with open_receiver() as opened:
        opened.answer = lambda handler: say(handler, 201)
        yield opened


def make_settings(hosts: str = "127.0.0.1") -> Settings:
    values = {
        "BAKEN_SERVER_KEY": SERVER_KEY.hex(),
        "BAKEN_MQTT_PORT": str(free_ports(1)[0]),
        "BAKEN_PUSH_HOSTS": hosts,
        "BAKEN_VAPID_SUBJECT": "mailto:house@example.org",
    }
    return Settings.from_env(values)


@contextmanager
def running(engine: Engine, hosts: str = "127.0.0.1") -> Iterator[None]:
    stop = threading.Event()
    work = threading.Thread(target=dispatcher._run_push, args=(make_settings(hosts), engine, stop))
    work.start()
    try:
        yield
    finally:
        stop.set()
        work.join(20)
        assert not work.is_alive()


def subscribe(engine: Engine, browser: Browser, person_id: UUID = PERSON) -> UUID:
    said = browser.subscription
    with transaction(engine) as session:
        return pushing.subscribe(
            session,
            person_id,
            said["endpoint"],
            said["keys"]["p256dh"],
            said["keys"]["auth"],
            HOSTS,
            clock.now(),
        )


def add_push(engine: Engine, subscription_id: UUID, wording: int = 0, **more: Any) -> UUID:
    payload = {"subscription_id": str(subscription_id), CHOSEN_TEXT: wording}
    return add_message(engine, Channel.WEB_PUSH, payload, **({"person_id": PERSON} | more))


def is_in(engine: Engine, message_id: UUID, state: NotificationState) -> bool:
    return message(engine, message_id).state == state


def live(engine: Engine, person_id: UUID = PERSON) -> tuple[UUID, ...]:
    with reading(engine) as session:
        return pushing.list_subscriptions(session, [person_id]).get(person_id, ())


def test_only_her_browser_can_read_it_and_it_tells_nothing(engine: Engine, maker: Receiver) -> None:
    browser = Browser(maker.url)
    subscription = subscribe(engine, browser)
    urgent, mild = add_push(engine, subscription), add_push(engine, subscription, 1, priority=2)
    with running(engine):
        wait_until(lambda: is_in(engine, mild, NotificationState.SENT))
        wait_until(lambda: is_in(engine, urgent, NotificationState.SENT))
    plains = [browser.read(delivery) for delivery in maker.deliveries]
    assert [len(plain) for plain in plains] == [512, 512]
    said = [json.loads(plain) for plain in plains]
    assert {one["id"] for one in said} == {str(urgent), str(mild)}
    chosen = {str(urgent): "Your timer has finished.", str(mild): "Time to check the oven."}
    assert {one["id"]: one["text"] for one in said} == chosen
    assert len({len(delivery.body) for delivery in maker.deliveries}) == 1
    by_id = {one["id"]: delivery.headers for one, delivery in zip(said, maker.deliveries, strict=True)}
    assert [by_id[str(one)]["Urgency"] for one in (urgent, mild)] == ["high", "normal"]
    for headers in by_id.values():
        assert headers["TTL"] == "300"
        assert len(headers["Topic"]) == 32


def test_the_push_service_knows_us_by_our_key(sqlite_engine: Engine, maker: Receiver) -> None:
    push = add_push(sqlite_engine, subscribe(sqlite_engine, Browser(maker.url)))
    with running(sqlite_engine):
        wait_until(lambda: is_in(sqlite_engine, push, NotificationState.SENT))
    key, claims = vapid_claims(maker.deliveries[0])
    assert key == pushing.public_key(SERVER_KEY)
    assert claims["aud"] == maker.url.removesuffix("/alerts")
    assert claims["sub"] == "mailto:house@example.org"
    assert 0 < claims["exp"] - clock.now().timestamp() <= 24 * 3600


@pytest.mark.parametrize(
    ("status", "code", "is_standing"),
    [(404, "gone", False), (410, "gone", False), (400, "400", True), (413, "413", True)],
)
def test_what_cannot_arrive_is_given_up_and_a_browser_that_is_gone_is_forgotten(
    engine: Engine, maker: Receiver, status: int, code: str, is_standing: bool
) -> None:
    subscription = subscribe(engine, Browser(maker.url))
    maker.answer = lambda handler: say(handler, status)
    first = add_push(engine, subscription)
    with running(engine):
        wait_until(lambda: is_in(engine, first, NotificationState.FAILED))
        assert live(engine) == ((subscription,) if is_standing else ())
        seen = len(maker.deliveries)
        second = add_push(engine, subscription)
        wait_until(lambda: is_in(engine, second, NotificationState.FAILED))
    assert outcomes_of(engine, first) == outcomes_of(engine, second) == [code]
    assert len(maker.deliveries) == seen + is_standing


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_push_service_that_is_busy_is_tried_again(
    sqlite_engine: Engine, maker: Receiver, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.alerts.rules.retries.FIRST_RETRY_S", 0.05)
    maker.answer = lambda handler: say(handler, status if len(maker.deliveries) < 2 else 201)
    push = add_push(sqlite_engine, subscribe(sqlite_engine, Browser(maker.url)))
    with running(sqlite_engine):
        wait_until(lambda: is_in(sqlite_engine, push, NotificationState.SENT))
    assert outcomes_of(sqlite_engine, push) == [str(status), "201"]


def test_a_host_that_is_no_longer_allowed_is_not_called(sqlite_engine: Engine, maker: Receiver) -> None:
    push = add_push(sqlite_engine, subscribe(sqlite_engine, Browser(maker.url)))
    with running(sqlite_engine, "fcm.googleapis.com"):
        wait_until(lambda: is_in(sqlite_engine, push, NotificationState.FAILED))
    assert outcomes_of(sqlite_engine, push) == ["host_refused"]
    assert maker.deliveries == []


def test_an_address_that_nobody_can_call_is_given_up(
    sqlite_engine: Engine, maker: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser("https://xn--a.fcm.googleapis.com/x")
    with monkeypatch.context() as before_it_was_refused:
        before_it_was_refused.setattr("api.alerts.wire.push.origin_of", lambda *_: "https://there.example")
        bad = subscribe(sqlite_engine, browser)
    good = add_push(sqlite_engine, subscribe(sqlite_engine, Browser(maker.url)))
    push = add_push(sqlite_engine, bad)
    with running(sqlite_engine, "127.0.0.1,*.fcm.googleapis.com"):
        wait_until(lambda: is_in(sqlite_engine, push, NotificationState.FAILED))
        wait_until(lambda: is_in(sqlite_engine, good, NotificationState.SENT))
    assert outcomes_of(sqlite_engine, push) == ["bad_address"]


def test_one_womans_dead_browser_is_no_failing_house_and_several_peoples_are(
    engine: Engine, maker: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.alerts.rules.retries.FIRST_RETRY_S", 0.05)
    maker.answer = lambda handler: say(handler, 503)
    hers = add_push(engine, subscribe(engine, Browser(maker.url)))

    def system_alerts() -> list[str]:
        with reading(engine) as session:
            views = service.list_alerts(session, list(AlertState))
        return [view.alert.kind for view in views]

    with running(engine):
        wait_until(lambda: message(engine, hers).attempts > OPENS_AFTER)
        assert system_alerts() == []
        add_push(engine, subscribe(engine, Browser(maker.url + "/other"), ANOTHER), person_id=ANOTHER)
        wait_until(lambda: system_alerts() == ["system_degraded"])


def test_an_answer_elsewhere_is_not_followed(sqlite_engine: Engine, maker: Receiver) -> None:
    with open_receiver() as elsewhere:
        maker.answer = lambda handler: say(handler, 307, Location=elsewhere.url)
        push = add_push(sqlite_engine, subscribe(sqlite_engine, Browser(maker.url)))
        with running(sqlite_engine):
            wait_until(lambda: "redirect_refused" in outcomes_of(sqlite_engine, push))
        assert elsewhere.deliveries == []


def test_the_same_browser_keeps_its_number_and_too_many_make_room(engine: Engine) -> None:
    browsers = [Browser(f"https://fcm.googleapis.com/{n}") for n in range(pushing.MOST_SUBSCRIPTIONS + 1)]
    ids = [subscribe(engine, browser) for browser in browsers]
    assert subscribe(engine, browsers[-1]) == ids[-1]
    assert set(live(engine)) == set(ids[1:])
    assert live(engine, uuid4()) == ()
    with reading(engine) as session:
        assert pushing.list_subscriptions(session, []) == {}


def test_beside_a_browser_that_nobody_can_read_she_can_add_and_remove_them(engine: Engine) -> None:
    lost = subscribe(engine, Browser("https://fcm.googleapis.com/lost"))
    with transaction(engine) as session:
        session.execute(text("UPDATE push_subscription SET auth_sealed = :bad"), {"bad": b"\x00\x11"})
    new = subscribe(engine, Browser("https://fcm.googleapis.com/new"))
    assert live(engine) == (lost, new)
    with transaction(engine) as session:
        pushing.unsubscribe(session, PERSON, lost, clock.now())
    assert live(engine) == (new,)


def test_where_she_is_reached_is_not_readable_in_the_database(engine: Engine) -> None:
    browser = Browser("https://fcm.googleapis.com/of-this-browser")
    subscribe(engine, browser)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT endpoint_sealed, auth_sealed FROM push_subscription")).one()
    assert b"of-this-browser" not in bytes(row[0])
    assert len(bytes(row[1])) > 16


@pytest.fixture
def hers(sqlite_engine: Engine) -> tuple[FlaskClient, UUID]:
    stage = make_stage(sqlite_engine)
    environ = {"BAKEN_PUSH_HOSTS": "fcm.googleapis.com", "BAKEN_SERVER_KEY": SERVER_KEY.hex()}
    host = make_host(sqlite_engine, [routes.app_blueprint], accounts.identify_person, **environ)
    client = host.test_client()
    client.set_cookie(
        accounts.PERSON_COOKIE, make_person_session(sqlite_engine, stage.people[0], clock.now())
    )
    return client, stage.people[0]


def test_her_browser_switches_notices_on_and_off(
    hers: tuple[FlaskClient, UUID], sqlite_engine: Engine
) -> None:
    client, person_id = hers
    assert client.get("/notices/key").get_json() == {"key": pushing.public_key(SERVER_KEY)}
    said = Browser("https://fcm.googleapis.com/x").subscription
    answer = client.put("/notices", json=said)
    assert answer.status_code == 200
    notice_id = answer.get_json()["id"]
    assert live(sqlite_engine, person_id) == (UUID(notice_id),)
    assert client.delete(f"/notices/{notice_id}").status_code == 204
    assert client.delete(f"/notices/{notice_id}").status_code == 404
    assert live(sqlite_engine, person_id) == ()


def test_somebody_elses_browser_is_not_there(hers: tuple[FlaskClient, UUID], sqlite_engine: Engine) -> None:
    client, _person_id = hers
    other = subscribe(sqlite_engine, Browser("https://fcm.googleapis.com/other"))
    assert client.delete(f"/notices/{other}").status_code == 404
    assert live(sqlite_engine) == (other,)


@pytest.mark.parametrize("endpoint", ["https://127.0.0.1/x", "http://fcm.googleapis.com/x", ""])
def test_an_address_that_is_refused_is_refused_in_neutral_words(
    hers: tuple[FlaskClient, UUID], endpoint: str
) -> None:
    client, _person_id = hers
    answer = client.put("/notices", json=Browser(endpoint).subscription)
    assert answer.status_code == 422
    assert answer.get_json()["message"] == "This address cannot be used."


def test_her_service_worker_says_that_it_was_shown(
    hers: tuple[FlaskClient, UUID], sqlite_engine: Engine
) -> None:
    client, person_id = hers
    push = add_push(sqlite_engine, uuid4(), person_id=person_id)
    foreign = add_push(sqlite_engine, uuid4())
    assert client.post(f"/messages/{push}/receipt").status_code == 204
    assert client.post(f"/messages/{foreign}/receipt").status_code == 404
    assert message(sqlite_engine, push).state == NotificationState.RECEIVED
    with reading(sqlite_engine) as session:
        assert service.messages_after(session, {person_id}, 0, clock.now(), 10) == []
