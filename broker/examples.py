"""Examples of each frame: the published contract shows them, and tests hold them to the packet budgets."""

from dataclasses import dataclass
from typing import Any

from broker.topics import AlertKind, Channel

INCIDENT = "6f1c1f0e-8f0b-4c55-9d0a-2f6f0c1d7a11"
ORDER = "b3f5a0de-54c7-4a83-a0f3-0f1d3a5f9e02"


@dataclass(frozen=True, slots=True)
class Example:
    """A frame, and when it is sent."""

    frame: dict[str, Any]
    about: str


_PLACE = {"lat": 41.311081, "lon": 69.240562}
_FIX = {"ts": 1732100000, "seq": 123, **_PLACE, "acc": 8, "spd": 5.5, "dir": 180, "bat": 84}

EXAMPLES: dict[Channel, tuple[Example, ...]] = {
    Channel.SOS: (
        Example(
            {
                "id": "7f3a",
                "ts": 1732100000,
                "type": "fall",
                "sev": 4,
                **_PLACE,
                "alt": 500,
                "acc": 12,
                "bat": 84,
            },
            "the watch felt a fall",
        ),
        Example({"id": "7f3b"}, "the button, by a watch without clock and fix"),
        Example({"id": "7f3a", "hold": 15}, "the server opens it in 15 s, even if the watch dies meanwhile"),
        Example({"id": "7f3c", "cancel": True, "pin": "4711"}, "the wearer takes their call back"),
    ),
    Channel.POS: (
        Example(_FIX, "a fix"),
        Example({**_PLACE, "age": 40}, "a fix of 40 s ago, by a tracker without a clock"),
    ),
    Channel.VITALS: (
        Example(
            {
                "ts": 1732100000,
                "seq": 124,
                "hr": 72,
                "spo2": 97,
                "temp": 36.6,
                "steps": 5310,
                "bat": 84,
                "worn": True,
            },
            "what the watch feels",
        ),
    ),
    Channel.STATUS: (
        Example({"s": "online", "fw": "1.4.2", "boot": 17}, "after each connect"),
        Example({"s": "offline"}, "the Will, set when connecting"),
        Example({"s": "sleeping"}, "before the radio goes off"),
    ),
    Channel.REPLY: (
        Example({"id": "c17", "ok": True}, "the command is done, the offer accepted"),
        Example({"id": "h43", "ok": True, "eta": 240}, "accepted, there in four minutes"),
        Example({"id": "h43", "ok": False, "why": "busy"}, "declined; after a yes: turned back"),
    ),
    Channel.ACK: (
        Example(
            {"id": "7f3a", "ok": True, "sos": INCIDENT, "dup": False},
            "stored; this press opened the incident",
        ),
        Example(
            {"id": "7f3a", "ok": False, "err": "lat: above 90"}, "refused, and why; do not send it again"
        ),
        Example({"id": "7f3c", "ok": False, "err": "wrong pin"}, "not taken back: the call goes on"),
        Example(
            {"id": "h43", "ok": False, "err": "taken care of: enough people are going; thank you"},
            "the answer to an offer came too late",
        ),
    ),
    Channel.STATE: (
        Example({"id": "7f3a", "s": "active"}, "somebody is being asked"),
        Example(
            {"id": "7f3a", "s": "responding", "eta": 240, "who": "Aziza"}, "Aziza is there in four minutes"
        ),
    ),
    Channel.OFFER: (
        Example(
            {
                "id": "o42",
                "kind": "order",
                "until": 1732100030,
                "lat": 41.31,
                "lon": 69.24,
                "dist": 2400,
                "svc": "ride",
                "fee": 15000000,
                "cur": "UZS",
                "text": "lift, 2 seats",
            },
            "an order 2.4 km away; where it is to about a kilometre, the fee in minor units",
        ),
        Example(
            {"id": "h43", "kind": "sos", "until": 1732100030, **_PLACE, "dist": 350},
            "a call for help near by",
        ),
    ),
    Channel.CMD: (
        Example({"id": "c17", "do": "locate", "until": 1732100300}, "one fix, now"),
        Example(
            {"id": "c18", "do": "report", "until": 1732100300, "every": 5, "span": 600},
            "a fix each 5 s for ten minutes",
        ),
        Example({"id": "c21", "do": "report", "until": 1732103600}, "report as the profile says again"),
        Example({"id": "c19", "do": "ring", "until": 1732100300}, "make a noise"),
        Example(
            {"id": "c20", "do": "message", "until": 1732100300, "text": "Help is on its way"}, "show a text"
        ),
    ),
    Channel.CONFIG: (
        Example(
            {"version": 3, "rest": 300, "move": 30, "alarm": 5, "batch": 20},
            "how often to report, in seconds",
        ),
    ),
}

ALERT_EXAMPLES: dict[AlertKind, Example] = {
    AlertKind.SOS: Example(
        {
            "incident": INCIDENT,
            "revision": 3,
            "state": "responding",
            "type": "fall",
            "sev": 4,
            "region": "tashkent",
            "exercise": False,
            "canary": False,
            "duress": False,
            "signal_lost": False,
            "uid": "watch_unique_serial_001",
            "name": "Aziza Karimova",
            "phone": "+998901234567",
            **_PLACE,
            "acc": 12.0,
            "alt": 500.0,
            "position_at": "2024-11-20T10:53:20Z",
            "position_source": "press",
            "bat": 84,
            "device_at": "2024-11-20T10:53:20Z",
            "opened_at": "2024-11-20T10:53:21Z",
            "level": 1,
            "acknowledged_by": "Bekzod Aliyev",
            "acknowledged_at": "2024-11-20T10:53:50Z",
            "who": "Dilnoza Rahimova",
            "eta": 240,
            "next": "ack_lease",
            "next_at": "2024-11-20T10:55:50Z",
            "reports": 2,
        },
        "an incident that a dispatcher has taken and somebody goes to",
    ),
    AlertKind.ORDER: Example(
        {
            "order": ORDER,
            "number": 42,
            "revision": 7,
            "state": "unassigned",
            "region": "tashkent",
            "service": "tow",
            "since": "2024-11-20T10:55:00Z",
            **_PLACE,
            "asked": 3,
            "text": "nobody takes it; drivers are still looked for",
        },
        "an order that nobody took",
    ),
    AlertKind.SYSTEM: Example(
        {
            "what": "no-dispatcher",
            "region": "default",
            "since": "2024-11-20T10:55:00Z",
            "text": "no dispatcher is online",
        },
        "the chain itself is ill",
    ),
}
