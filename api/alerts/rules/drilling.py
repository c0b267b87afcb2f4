"""What a test run says of each link of an order's chain."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from api.alerts.model import Alert, Attempt, Channel, Notification, NotificationState
from api.alerts.model.drills import (
    DRILL_LASTS,
    HEARD_WITHIN,
    Drill,
    DrillReport,
    DueDrill,
    Link,
    LinkName,
    LinkState,
)
from api.alerts.model.playbooks import PlaybookStep, Target
from api.orders.model import Watch

Sent = tuple[Notification, Sequence[Attempt]]
_WITHOUT_RECEIPT = frozenset({Channel.SMS, Channel.WEB_PUSH, Channel.PERSON_STREAM})
"""Of these a receipt proves more, but is not to be had of every receiver: the app may be closed."""
_HERS = {Channel.PERSON_STREAM: LinkName.HER_APP, Channel.WEB_PUSH: LinkName.HER_PUSH}
_DESKS = {Target.OFFICER: LinkName.OFFICER, Target.STANDBY: LinkName.STANDBY}


def report_of(
    drill: Drill,
    alert: Alert,
    steps: Iterable[PlaybookStep],
    sent: Sequence[Sent],
    watch: Watch | None,
    heard: Mapping[UUID, datetime],
    withheld: Collection[UUID],
    now: datetime,
) -> DrillReport:
    """Return what the drill found up to `now`; later than its end nothing counts any more.

    `steps` are those of the playbook's kind `drill`, `sent` every message of the drill with its attempts,
    `heard` when anything of a device last reached us, `withheld` who has chosen not to hear of test runs.
    """
    until = drill.started_at + DRILL_LASTS
    is_over = now >= until
    links: list[Link] = []
    if watch is not None:
        links += _heard(drill, watch, heard, is_over=is_over)
    for step in steps:
        links += _links_of(step, alert, sent, watch, withheld, until, is_over=is_over)
    states = {link.state for link in links}
    worst = next((one for one in (LinkState.FAILED, LinkState.WAITING) if one in states), LinkState.OK)
    return DrillReport(drill, worst, tuple(links))


def _heard(drill: Drill, watch: Watch, heard: Mapping[UUID, datetime], *, is_over: bool) -> Iterable[Link]:
    """Return whether each device was heard of late: before the drill or since."""
    hers = [device_id for _person_id, devices in watch.protected for device_id in devices]
    for name, devices in (
        (LinkName.WEARER_DEVICE_HEARD, watch.wearer_devices),
        (LinkName.HER_DEVICE_HEARD, tuple(hers)),
    ):
        if not devices:
            yield Link(name, LinkState.FAILED, why="nobody")
        for device_id in devices:
            at = heard.get(device_id)
            is_heard = at is not None and at >= drill.started_at - HEARD_WITHIN
            missing = LinkState.FAILED if is_over else LinkState.WAITING
            yield Link(
                name, LinkState.OK if is_heard else missing, device_id, "" if is_heard else "not_heard", at
            )


def _links_of(
    step: PlaybookStep,
    alert: Alert,
    sent: Sequence[Sent],
    watch: Watch | None,
    withheld: Collection[UUID],
    until: datetime,
    *,
    is_over: bool,
) -> list[Link]:
    if step.target is Target.OPERATOR:
        return [_room(alert, until, is_over=is_over)]
    if step.target is Target.POLICE:
        police = [one for one in sent if one[0].channel is Channel.POLICE_WEBHOOK][:1]
        return _messages(LinkName.POLICE, police, None, until, is_over=is_over)
    if step.target in _DESKS:
        texts = [one for one in sent if one[0].payload.get("target") == step.target.value]
        return _messages(_DESKS[step.target], texts, None, until, is_over=is_over)
    if step.target is Target.WEARER:
        mine = set(watch.wearer_devices if watch else ())
        commands = [one for one in sent if one[0].device_id in mine]
        return _messages(LinkName.WEARER_DEVICE_REACHED, commands, None, until, is_over=is_over)
    links: list[Link] = []
    for channel in step.channels:
        name = _HERS.get(channel, LinkName.HER_DEVICE_REACHED)
        for person_id in alert.person_ids:
            hers = [one for one in sent if one[0].channel is channel and one[0].person_id == person_id]
            if not hers and person_id in withheld:
                links.append(Link(name, LinkState.HANDED_OVER, person_id, "her_choice"))
                continue
            links += _messages(name, hers, person_id, until, is_over=is_over)
    return links


def _room(alert: Alert, until: datetime, *, is_over: bool) -> Link:
    if alert.acknowledged_at is not None and alert.acknowledged_at <= until:
        return Link(LinkName.ROOM, LinkState.OK, at=alert.acknowledged_at)
    return Link(LinkName.ROOM, LinkState.FAILED if is_over else LinkState.WAITING, why="not_taken")


def _messages(
    name: LinkName, sent: Sequence[Sent], about: UUID | None, until: datetime, *, is_over: bool
) -> list[Link]:
    if not sent:
        return [Link(name, LinkState.FAILED, about, "nobody")]
    return [_message(name, one, attempts, until, is_over=is_over) for one, attempts in sent]


def _message(
    name: LinkName, one: Notification, attempts: Sequence[Attempt], until: datetime, *, is_over: bool
) -> Link:
    about = one.device_id or one.person_id
    tries = [attempt for attempt in attempts if attempt.at <= until]
    good = [attempt for attempt in tries if attempt.succeeded]
    last = tries[-1] if tries else None
    if good and one.state is NotificationState.RECEIVED and good[-1] is attempts[-1]:
        return Link(name, LinkState.OK, about, "", good[-1].at)
    if good and one.channel in _WITHOUT_RECEIPT:
        return Link(name, LinkState.HANDED_OVER, about, "no_receipt", good[-1].at)
    if one.state is NotificationState.FAILED and not good and last is not None:
        return Link(name, LinkState.FAILED, about, last.outcome, last.at)
    why = "no_receipt" if good else (last.outcome if last else "not_sent")
    if one.channel is Channel.PERSON_STREAM and not tries:
        return Link(name, LinkState.HANDED_OVER, about, "not_open", None)
    state = LinkState.FAILED if is_over else LinkState.WAITING
    return Link(name, state, about, why, last.at if last else None)


def due_drills(
    orders: Mapping[UUID, datetime], last: Mapping[UUID, datetime], every: timedelta
) -> list[DueDrill]:
    """Return when the next test run of each order is due, the longest overdue first.

    `orders` are those in force with the moment since when; a new order is due at once.
    """
    due = [
        DueDrill(order_id, last.get(order_id), last[order_id] + every if order_id in last else since)
        for order_id, since in orders.items()
    ]
    return sorted(due, key=lambda one: (one.due_at, one.order_id))
