"""OwnTracks' HTTP mode: a phone without MQTT posts the same JSON, and it takes the same way in."""

import threading
import uuid
from uuid import UUID

from flask import Response, current_app, jsonify, request

from api.geofence.wire import BadMessage, lane_of
from api.kernel import http
from api.kernel.db import reading
from api.kernel.http import Blueprint, public
from api.kernel.mqtt import INTAKE, BrokerAway, Publisher, topic_of
from api.orders import service as orders
from api.orders.model import Device

blueprint = Blueprint("intake", __name__, description="Positions over HTTP")
_starting = threading.Lock()


@blueprint.post("/pub")
@public
def publish() -> Response:
    """Take one message of a device; 200 means that the broker has it on disk.

    Who posts is told by HTTP Basic (device name and secret), as at the broker. What the message says is
    judged by the worker: an answer other than 2xx would make the phone send a bad message for ever.
    """
    device = _authenticated()
    if device is None:
        return Response(status=401, headers={"WWW-Authenticate": 'Basic realm="-"'})
    payload = request.get_data()
    try:
        _publisher().publish(topic_of(device.shard, device.id, _lane_of(device, payload)), payload)
    except BrokerAway:
        return Response(status=503, headers={"Retry-After": "5"})
    return jsonify([])


def _authenticated() -> Device | None:
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or not given.password:
        return None
    try:
        device_id = UUID(hex=given.username)
    except ValueError:
        return None
    with reading(http.engine()) as session:
        return orders.authenticate_device(session, device_id, given.password)


def _lane_of(device: Device, payload: bytes) -> str:
    """Return the lane of a message; one that cannot be read goes the common way and is kept aside there."""
    try:
        return lane_of(device, payload)
    except BadMessage:
        return ""


def _publisher() -> Publisher:
    """Return this process's connection, made at the first message: threads do not survive a fork."""
    with _starting:
        found: Publisher | None = current_app.extensions.get("baken.publisher")
        if found is None:
            found = Publisher(http.settings(), INTAKE, f"{INTAKE}-{uuid.uuid4().hex[:8]}")
            found.start()
            current_app.extensions["baken.publisher"] = found
    return found
