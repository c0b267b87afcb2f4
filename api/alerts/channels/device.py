"""To a device: a command handed to the broker, which keeps it."""

from api.alerts.service import Outcome
from api.kernel.mqtt import BrokerAway, Publisher

BROKER_TIMEOUT_S = 2.0
"""The broker is in our own house; what a lane has claimed must be through before its lease ends."""


def send_command(publisher: Publisher, topic: str, payload: bytes) -> Outcome:
    """Hand a command to the broker, which keeps it for the device; only the device's receipt confirms it."""
    try:
        publisher.publish(topic, payload, BROKER_TIMEOUT_S)
    except BrokerAway:
        return Outcome(succeeded=False, code="broker_away")
    return Outcome(succeeded=True, code="accepted")
