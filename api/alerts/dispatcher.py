"""The loop that empties the outbox: claim, send outside any transaction, record. One thread per channel.

A channel that hangs delays no other. A dispatcher that dies gives its claims back when their lease ends;
two dispatchers share the work. Messages to protected people are not sent here: their streams take them.
"""

import random
import signal
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alerts import service
from api.alerts.channels import Webhook, encoder_of, send_command
from api.alerts.escalator import run_escalations
from api.alerts.model import Channel, Notification
from api.alerts.service import Outcome
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
IDLE_S = 0.02
"""An idle look at the outbox is one indexed read; with it the first try leaves within 50 ms of the commit."""
DATABASE_AWAY_S = 1.0
CLAIM_LIMIT = 8
"""Sent together before anything is recorded; `service.LEASE` covers the slowest claim."""
SWEEP_S = 1.0
SWEEP_LIMIT = 500

_log = Log(PROCESS)
Send = Callable[[Sequence[Notification]], list[Outcome]]


def run(settings: Settings, engine: Engine) -> None:
    """Send until SIGTERM or SIGINT; the house goes by its playbook as it is in the file now."""
    with transaction(engine) as session:
        service.take_over_playbook(session, settings.playbook_file, clock.now())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    dispatch(settings, engine, stop)


def dispatch(settings: Settings, engine: Engine, stop: threading.Event) -> None:
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
            expired = service.expire_pending(session, clock.now(), SWEEP_LIMIT)
    except DBAPIError as error:
        if not is_away(error):
            raise
        _log.error("database away", error=type(error).__name__)
    else:
        if expired:
            _log.error("messages given up", count=expired)


def _run_webhook(settings: Settings, engine: Engine, stop: threading.Event) -> None:
    if settings.webhook_url is None:
        _run_channel(engine, stop, Channel.POLICE_WEBHOOK, _send_nowhere)
        return
    encode = encoder_of(settings)
    with Webhook(settings.webhook_url, settings.webhook_secret, encode) as webhook:

        def send(claimed: Sequence[Notification]) -> list[Outcome]:
            return webhook.send([(one.id, one.payload) for one in claimed])

        _run_channel(engine, stop, Channel.POLICE_WEBHOOK, send)


def _send_nowhere(claimed: Sequence[Notification]) -> list[Outcome]:
    """Say on each message that no receiver is configured, so that nobody believes the police were told."""
    return [Outcome(succeeded=False, code="not_configured", is_final=True)] * len(claimed)


def _run_devices(settings: Settings, engine: Engine, stop: threading.Event, publisher: Publisher) -> None:
    neutral = cover_named(settings.cover).neutral_text

    def send(claimed: Sequence[Notification]) -> list[Outcome]:
        with reading(engine) as session:
            wanted = {one.device_id for one in claimed if one.device_id}
            devices = {device.id: device for device in orders.list_devices(session, wanted)}
        outcomes: list[Outcome] = []
        for one in claimed:
            is_gone = bool(outcomes) and outcomes[-1].code == "broker_away"
            # Waiting again for a broker that has just not answered would only outlast the lease.
            outcomes.append(outcomes[-1] if is_gone else _send_to(publisher, devices, one, neutral))
        return outcomes

    _run_channel(engine, stop, Channel.DEVICE, send)


def _send_to(
    publisher: Publisher, devices: dict[uuid.UUID, Device], command: Notification, neutral: str
) -> Outcome:
    device = devices.get(command.device_id) if command.device_id else None
    if device is None or device.retired_at is not None:
        return Outcome(succeeded=False, code="device_retired", is_final=True)
    payload = encode_notice(command, neutral, device.sealing_key)
    return send_command(publisher, topic_of(device.shard, device.id, "cmd"), payload)


def _run_channel(engine: Engine, stop: threading.Event, channel: Channel, send: Send) -> None:
    """Empty one channel of the outbox until told to stop; a database that is away is waited for."""
    chance = random.Random()  # noqa: S311 - spreads retries, keeps no secret
    while not stop.is_set():
        try:
            has_worked = _turn(engine, channel, send, chance)
        except DBAPIError as error:
            if not is_away(error):
                raise
            _log.error("database away", channel=channel, error=type(error).__name__)
            stop.wait(DATABASE_AWAY_S)
        else:
            if not has_worked:
                stop.wait(IDLE_S)


def _turn(engine: Engine, channel: Channel, send: Send, chance: random.Random) -> bool:
    """Claim, send and record once; say whether there was anything."""
    now = clock.now()
    with reading(engine) as session:
        if not service.has_due(session, now, channel):
            return False
    with transaction(engine) as session:
        claimed = service.claim_due(session, now, channel, CLAIM_LIMIT)
    if not claimed:
        return False  # another dispatcher was faster
    outcomes = _send_safely(channel, send, claimed)
    _record(engine, claimed, outcomes, clock.now(), chance)
    return True


def _send_safely(channel: Channel, send: Send, claimed: Sequence[Notification]) -> list[Outcome]:
    """Send; after a fault of ours try one by one, so that one poisoned message stops none of the others.

    The fault becomes a failed attempt of its message, and by that an alert, not a log line alone.
    """
    try:
        return send(claimed)
    except DBAPIError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        _log.error("sending failed", channel=channel, error=type(error).__name__, count=len(claimed))
        if len(claimed) == 1:
            return [Outcome(succeeded=False, code="our_fault")]
        return [outcome for one in claimed for outcome in _send_safely(channel, send, [one])]


def _record(
    engine: Engine,
    claimed: Sequence[Notification],
    outcomes: Sequence[Outcome],
    now: datetime,
    chance: random.Random,
) -> None:
    with transaction(engine) as session:
        for one, outcome in zip(claimed, outcomes, strict=True):
            service.record_attempt(session, one.id, outcome, now, chance.random())
    for one, outcome in zip(claimed, outcomes, strict=True):
        if not outcome.succeeded:
            _log.warning(
                "attempt failed",
                notification_id=one.id,
                channel=one.channel,
                attempt=one.attempts + 1,
                reason=outcome.code,
            )
