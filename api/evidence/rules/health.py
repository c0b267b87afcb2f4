"""How the devices were before an alert opened: whether they could have told anything at all."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median

from api.evidence.model.material import Carrier, Health, Message, Place, Window
from api.evidence.rules.kinds import KEPT_ASIDE, POSITION_OR_ALARM


def health_of(
    carrier: Carrier, places: Sequence[Place], messages: Sequence[Message], window: Window
) -> Health:
    """Return one device's health from the window's begin, or its hand-over's entry, to the opening."""
    mine = [
        one
        for one in messages
        if one.device_id == carrier.device_id and window.begin <= one.received_at <= window.opened_at
    ]
    before = [place for place in places if place.received_at <= window.opened_at]
    heard = sorted(one.received_at for one in mine if one.kind != KEPT_ASIDE)
    begun = min(max(window.begin, carrier.since, carrier.entered_at), window.opened_at)
    silence_began, silence_s = longest_silence(heard, begun, window.opened_at)
    accuracies = [place.accuracy_m for place in before if place.accuracy_m is not None]
    return Health(
        device_id=carrier.device_id,
        party=carrier.party,
        positions=len(before),
        reports=sum(one.kind not in {KEPT_ASIDE, POSITION_OR_ALARM} for one in mine),
        kept_aside=sum(one.kind == KEPT_ASIDE for one in mine),
        longest_silence_s=silence_s,
        silence_began=silence_began,
        battery_pct=next((p.battery_pct for p in reversed(before) if p.battery_pct is not None), None),
        strap_closed=next((p.strap_closed for p in reversed(before) if p.strap_closed is not None), None),
        median_accuracy_m=median(accuracies) if accuracies else None,
        doubtful=sum(bool(place.doubts) for place in before),
    )


def longest_silence(heard: Sequence[datetime], begin: datetime, end: datetime) -> tuple[datetime, float]:
    """Return when the longest time without a message began, and its length in seconds."""
    moments = [begin, *(at for at in heard if begin < at < end), end]
    gaps = [((b - a).total_seconds(), a) for a, b in pairwise(moments)]
    length_s, began = max(gaps, key=lambda gap: gap[0])
    return began, length_s
