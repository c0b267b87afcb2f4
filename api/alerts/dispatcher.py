"""The process that empties the outbox: one lane, in a thread of its own, per channel.

A channel that hangs delays no other. A dispatcher that dies gives its claims back when their lease ends;
two dispatchers share the work. Messages to protected people are not sent here: their streams take them.
"""

import signal
import threading
import uuid
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.alerts import service
from api.alerts.channels.device import send_command
from api.alerts.channels.futures import settled
from api.alerts.channels.http import Line
from api.alerts.channels.push import PushServices
from api.alerts.channels.sms import SmsGateway
from api.alerts.channels.webhook import Webhook, encoder_of
from api.alerts.escalator import run_escalations
from api.alerts.lanes.lane import Lane
from api.alerts.model import Channel, Notification
from api.alerts.rules.telling import wording_of
from api.alerts.service import Outcome
from api.alerts.service.pushing import subscriptions_of
from api.alerts.service.texting import PhonesOf, look_up_numbers
from api.alerts.wire.commands import encode_notice
from api.kernel import clock
from api.kernel.config import Settings
from api.kernel.db import is_away, reading, transaction
from api.kernel.heartbeats import beat
from api.kernel.logs import Log
from api.kernel.mqtt import DISPATCHER, Publisher, topic_of
from api.orders import service as orders
from api.orders.model import Device
from api.safety_plans.model import cover_named

PROCESS = "dispatcher"
DEVICE_SLOTS, DEVICE_RESERVED = 8, 2
"""Claimed together and sent one by one; `service.LEASE` covers 8 that wait 2 s each for a broker."""
SWEEP_S = 1.0
SWEEP_LIMIT = 500

_log = Log(PROCESS)


def nobodys_phones(_session: Session, _people: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Know no number: each SMS then says `no_number`."""
    return {}


def run(settings: Settings, engine: Engine, phones_of: PhonesOf) -> None:
    """Send until SIGTERM or SIGINT; the house goes by its playbook as it is in the file now.

    `phones_of` finds the numbers of staff.
    """
    with transaction(engine) as session:
        service.take_over_playbook(session, settings.playbook_file, clock.now())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    dispatch(settings, engine, stop, phones_of)


def dispatch(
    settings: Settings, engine: Engine, stop: threading.Event, phones_of: PhonesOf = nobodys_phones
) -> None:
    """Run every channel until `stop` is set; raises when one of its threads died of a fault of ours.

    The process then ends, the supervisor starts it again, and the claims come back.
    """
    # Two dispatchers may run: the broker would take a second one with the same client id for the first.
    publisher = Publisher(settings, DISPATCHER, f"{DISPATCHER}-{uuid.uuid4().hex[:8]}")
    publisher.start()
    threads = [
        threading.Thread(target=work, args=arguments, name=work.__name__, daemon=True)
        for work, arguments in (
            (_run_webhook, (settings, engine, stop)),
            (_run_devices, (settings, engine, stop, publisher)),
            (_run_sms, (settings, engine, stop, phones_of)),
            (_run_push, (settings, engine, stop)),
            (run_escalations, (engine, stop)),
        )
    ]
    for thread in threads:
        thread.start()
    try:
        while not stop.wait(SWEEP_S):
            if dead := [thread.name for thread in threads if not thread.is_alive()]:
                raise RuntimeError(f"a channel's thread died: {', '.join(dead)}")
            _sweep(engine)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        publisher.stop()


def _sweep(engine: Engine) -> None:
    """Give up what is too old to send, and show that we live."""
    try:
        with transaction(engine) as session:
            beat(session, PROCESS, clock.now(), able=True)
        with reading(engine) as session:
            is_any = service.has_expired(session, clock.now())
        if is_any:
            _give_up(engine)
    except DBAPIError as error:
        if not is_away(error):
            raise
        _log.error("database away", error=type(error).__name__)


def _give_up(engine: Engine) -> None:
    with transaction(engine) as session:
        expired = service.expire_pending(session, clock.now(), SWEEP_LIMIT)
    if expired:
        _log.error("messages given up", count=expired)


def _run_webhook(settings: Settings, engine: Engine, stop: threading.Event) -> None:
    if settings.webhook_url is None:
        Lane(engine, Channel.POLICE_WEBHOOK, _send_nowhere).run(stop)
        return
    with Line() as line:
        webhook = Webhook(line, settings.webhook_url, settings.webhook_secret, encoder_of(settings))
        Lane(engine, Channel.POLICE_WEBHOOK, lambda claimed, _urgent: webhook.send(claimed)).run(stop)


def _run_sms(settings: Settings, engine: Engine, stop: threading.Event, phones_of: PhonesOf) -> None:
    if settings.sms_url is None:
        Lane(engine, Channel.SMS, _send_nowhere).run(stop)
        return
    with Line() as line:
        gateway = SmsGateway(line, settings.sms_url, settings.sms_token.decode(), settings.sms_language)

        def send(claimed: Sequence[Notification], _urgent: bool) -> list[Future[Outcome]]:  # noqa: FBT001 - Send
            with transaction(engine) as session:
                numbers = look_up_numbers(session, claimed, phones_of, clock.now())
            return gateway.send(claimed, numbers)

        Lane(engine, Channel.SMS, send).run(stop)


def _run_push(settings: Settings, engine: Engine, stop: threading.Event) -> None:
    with Line() as line:
        services = PushServices(line, settings)

        def send(claimed: Sequence[Notification], urgent: bool) -> list[Future[Outcome]]:  # noqa: FBT001 - Send
            with reading(engine) as session:
                where = subscriptions_of(session, claimed)
            return services.send(claimed, where, urgent=urgent)

        Lane(engine, Channel.WEB_PUSH, send).run(stop)


def _send_nowhere(claimed: Sequence[Notification], _urgent: bool) -> list[Future[Outcome]]:  # noqa: FBT001 - Send
    """Say on each message that no receiver is configured, so that nobody believes that it was told."""
    outcome = Outcome(succeeded=False, code="not_configured", is_final=True)
    return [settled(outcome) for _one in claimed]


def _run_devices(settings: Settings, engine: Engine, stop: threading.Event, publisher: Publisher) -> None:
    cover = cover_named(settings.cover)
    # One at a time: commands reach a device in the order in which they were meant.
    with ThreadPoolExecutor(1, "devices") as sender:

        def send(claimed: Sequence[Notification], _urgent: bool) -> list[Future[Outcome]]:  # noqa: FBT001 - Send
            with reading(engine) as session:
                wanted = {one.device_id for one in claimed if one.device_id}
                devices = {device.id: device for device in orders.list_devices(session, wanted)}
            texts = [cover.text(wording_of(one.payload)) for one in claimed]
            return [
                sender.submit(_send_to, publisher, devices, one, neutral)
                for one, neutral in zip(claimed, texts, strict=True)
            ]

        Lane(engine, Channel.DEVICE, send, DEVICE_SLOTS, DEVICE_RESERVED).run(stop)
        sender.shutdown(cancel_futures=True)


def _send_to(
    publisher: Publisher, devices: dict[uuid.UUID, Device], command: Notification, neutral: str
) -> Outcome:
    device = devices.get(command.device_id) if command.device_id else None
    if device is None or device.retired_at is not None:
        return Outcome(succeeded=False, code="device_retired", is_final=True)
    payload = encode_notice(command, neutral, device.sealing_key)
    return send_command(publisher, topic_of(device.shard, device.id, "cmd"), payload)
