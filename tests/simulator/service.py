"""A stand-in for the service at its edges, so that the simulator can be tested without it.

It speaks the REST contract and both streams, reads positions from the real broker, and finds breaches
of circles by the simplest means. `deaf` finds nothing; `nervous` finds a breach in the first position.
"""

import json
import queue
import threading
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import paho.mqtt.client as paho
from geopy.distance import geodesic
from paho.mqtt.enums import CallbackAPIVersion

from simulator.wire import unseal


class Service(ThreadingHTTPServer):
    """Both hosts in one; every path is unambiguous."""

    daemon_threads = True

    def __init__(self, mqtt_port: int, mood: str = "careful") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mood = mood
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.calls: list[str] = []
        self.bodies: dict[str, list[dict[str, Any]]] = {}
        self.owner: dict[str, str] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.zones: dict[str, list[dict[str, Any]]] = {}
        self.keys: dict[str, bytes | None] = {}
        self.streams: list[tuple[str, queue.Queue[bytes | None]]] = []
        self.told: set[tuple[str, str, str]] = set()
        self.stored = 0
        self.seq = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="worker")
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", mqtt_port)
        self._client.subscribe("em/v1/#", qos=1)
        self._client.loop_start()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        for _, lines in list(self.streams):
            lines.put(None)
        self.shutdown()
        self.server_close()

    def tell(self, path: str, name: str, data: dict[str, Any]) -> None:
        self.seq += 1
        block = f"event: {name}\nid: {self.seq}\ndata: {json.dumps(data)}\n\n".encode()
        for where, lines in list(self.streams):
            if where == path:
                lines.put(block)

    def tell_event(self, device_id: str, event: dict[str, Any], *, person: bool) -> None:
        alert_id = str(uuid.uuid4())
        values = {"order_id": self._order_of(device_id), "device_id": device_id, "repeat": False} | event
        entry = {"seq": self.seq, "alert_id": alert_id, "kind": "opened", "event": values}
        self.tell("/api/stream", "alert", {"alert": {"id": alert_id}, "entry": entry})
        if person:
            self.tell("/stream", "message", {"id": alert_id, "text": "Timer ready"})

    def _order_of(self, device_id: str) -> str | None:
        person = self.owner.get(device_id)
        for order in self.orders.values():
            if person in {order["wearer_id"], *order["protected_person_ids"]}:
                return str(order["id"])
        return None

    def _on_message(self, _client: paho.Client, _data: None, message: paho.MQTTMessage) -> None:
        device_id = str(uuid.UUID(hex=message.topic.split("/")[3]))
        try:
            said = unseal(bytes(message.payload), self.keys.get(device_id))
            place = (said["lat"], said["lon"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        self.stored += 1
        if self.mood == "deaf":
            return
        for zone in self.zones.get(self._order_of(device_id) or "", []):
            lon, lat = zone["shape"]["center"]
            edge_m = geodesic(place, (lat, lon)).m - zone["shape"]["radius_m"]
            if edge_m <= zone["buffer_m"] or self.mood == "nervous":
                self._tell_once(device_id, zone["id"], "zone_buffer", said)
            if edge_m <= 0 or self.mood == "nervous":
                self._tell_once(device_id, zone["id"], "zone_breach", said)

    def _tell_once(self, device_id: str, zone_id: str, kind: str, said: dict[str, Any]) -> None:
        if (device_id, zone_id, kind) in self.told:
            return
        self.told.add((device_id, zone_id, kind))
        at = datetime.fromtimestamp(said["tst"], UTC).isoformat()
        wearer = {"point": {"lat": said["lat"], "lon": said["lon"]}, "fixed_at": at}
        event = {"kind": kind, "zone_id": zone_id, "wearer": wearer, "occurred_at": at}
        self.tell_event(device_id, event, person=kind == "zone_breach")


class _Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.calls.append(f"GET {self.path}")
        if self.path in {"/api/stream", "/stream"}:
            self._stream()
        elif self.path == "/api/health":
            self._answer(200, {"fixes_stored": self.server.stored, "rejected": {"future": 0}})
        else:
            self._answer(200, [])

    def do_DELETE(self) -> None:
        self.server.calls.append(f"DELETE {self.path}")
        self._answer(204, None)

    def do_POST(self) -> None:
        self.server.calls.append(f"POST {self.path}")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.server.bodies.setdefault(self.path, []).append(body)
        if self.path == "/api/session" and body.get("secret") != "right":
            self._answer(403, {"code": 403, "message": "Wrong login or secret."})
            return
        given = body | {"id": str(uuid.uuid4())}
        parts = self.path.split("/")
        if self.path == "/api/devices":
            name = uuid.UUID(given["id"]).hex
            key = bytes(32) if body["sealed"] else None
            self.server.keys[given["id"]] = key
            topic = f"em/v1/5/{name}"
            given |= {"shard": 5, "topic": topic, "username": name, "secret": "s"}
            given["sealing_key"] = key.hex() if key else None
        elif self.path == "/api/orders":
            self.server.orders[given["id"]] = given
        elif parts[-1] == "zones":
            self.server.zones.setdefault(parts[3], []).append(given)
        elif parts[-1] == "assignment":
            self.server.owner[parts[3]] = body.get("wearer_id") or body["protected_person_id"]
        elif parts[-1] == "account":
            given = {"number": "0612345678901234", "pin": "123456"}
        self._answer(201, given)

    def _answer(self, status: int, value: Any) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "session=abc; HttpOnly; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        lines: queue.Queue[bytes | None] = queue.Queue()
        self.server.streams.append((self.path, lines))
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b'event: hello\ndata: {"seq": 0}\n\n: breath\n\n')
        self.wfile.flush()
        while (block := lines.get()) is not None:
            try:
                self.wfile.write(block)
                self.wfile.flush()
            except OSError:
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""
