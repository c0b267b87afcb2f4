"""A stand-in for `python -m api judge` that speaks its lines and finds circles by the simplest means.

Its mood is the first argument: `careful` tells what is inside, `deaf` nothing, `nervous` everything,
`broken` ends in the middle, `refusing` refuses the first message.
"""

import json
import sys
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

from geopy.distance import geodesic

mood = sys.argv[1]
order: dict[str, Any] = {}
told: set[str] = set()


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def hear(line: dict[str, Any]) -> None:
    said = json.loads(b64decode(line["payload"]))
    place = (said["lat"], said["lon"])
    for zone in order["zones"]:
        lon, lat = zone["shape"]["center"]
        inside = geodesic(place, (lat, lon)).m <= zone["shape"]["radius_m"]
        if mood != "deaf" and (inside or mood == "nervous") and zone["name"] not in told:
            told.add(zone["name"])
            at = datetime.fromtimestamp(said["tst"], UTC).isoformat()
            wearer = {"point": {"lat": place[0], "lon": place[1]}, "fixed_at": at}
            event = {"kind": "zone_breach", "wearer": wearer, "occurred_at": at, "doubts": []}
            names = {"order": order["order"], "device": line["device"], "person": None, "zone": zone["name"]}
            say({"told": "event", "at": line["at"], "alert": "a", "severity": 1, "event": event} | names)
            say({"told": "notification", "at": line["at"], "channel": "person_stream", "payload": {}})


for text in sys.stdin:
    line = json.loads(text)
    match line["say"]:
        case "begin":
            told.clear()
        case "order":
            order = line
        case "device":
            say({"told": "device", "device": line["device"], "id": "0", "topic": "t", "sealing_key": None})
        case "message" if mood == "broken":
            sys.exit("no such table: zones")
        case "message" if mood == "refusing":
            say({"told": "error", "line": 4, "reason": "time runs backwards"})
        case "message":
            hear(line)
        case "until":
            say({"told": "until", "at": line["at"]})
        case "end":
            alert = {"id": "a", "family": "approach", "kind": "zone_breach", "severity": 1}
            alerts = [alert | {"order": order["order"]}] if told else []
            say({"told": "end", "alerts": alerts, "messages": 0, "fixes": 0, "rejected": {}, "dropped": 0})
