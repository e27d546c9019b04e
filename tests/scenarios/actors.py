"""Who takes part in a story: a watch and a desk, each with foreign programs only."""

import json
import os
import pty
import queue
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import websockets.sync.client

from ops import servers
from tests.servers import WAIT_S, eventually

RESEND_S = 1.0
"""As the contract asks of devices: again each second, until the server's own ack."""

STEPS = frozenset({"asked", "escalated", "helpers_asked", "helpers_silent"})
"""What stands on a timeline beside a story: whom the house asked meanwhile."""

# Far from where most stories happen, so that nobody else is near.
SAMARKAND = {"lat": 39.654, "lon": 66.975}
NEAR_BY = {"lat": 39.656, "lon": 66.975}


class Listener:
    """mosquitto_sub on some topics; what it prints can be awaited."""

    def __init__(self, mqtt: dict[str, Any], username: str, password: str, *topics: str) -> None:
        tool = servers.install().tool("mosquitto_sub")
        wanted = [argument for topic in topics for argument in ("-t", topic)]
        login = ["-h", mqtt["host"], "-p", str(mqtt["port"]), "-u", username, "-P", password]
        # A program that writes to a terminal writes each line at once.
        self._reading, writing = pty.openpty()
        self._process = subprocess.Popen(
            # -d also says when the subscription stands.
            [str(tool), *login, *wanted, "-q", "1", "-d", "-F", "%t %r %p"],
            stdout=writing,
            stderr=writing,
        )
        os.close(writing)
        self._ready = threading.Event()
        self._messages: queue.Queue[tuple[str, bool, str]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        assert self._ready.wait(WAIT_S), f"{username} could not subscribe"

    def _read(self) -> None:
        with suppress(OSError), os.fdopen(self._reading, encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("mayday/"):
                    topic, retained, payload = line.rstrip("\n").split(" ", 2)
                    self._messages.put((topic, retained == "1", payload))
                elif line.startswith("Subscribed"):
                    self._ready.set()

    def next(self, within_s: float = WAIT_S) -> tuple[str, dict[str, Any] | None]:
        """The next message; an empty one is None."""
        topic, _, payload = self._messages.get(timeout=within_s)
        return topic, json.loads(payload) if payload else None

    def until(self, wanted: Any, within_s: float = WAIT_S) -> dict[str, Any] | None:
        """The first message for which `wanted(topic, frame)` holds; those before it are passed over."""
        deadline = time.monotonic() + within_s
        while True:
            left = deadline - time.monotonic()
            try:
                topic, frame = self.next(max(left, 0.001))
            except queue.Empty:
                raise AssertionError(f"waited {within_s:.0f} s for a message that did not come") from None
            if wanted(topic, frame):
                return frame

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Api:
    """Somebody's view of the counters, over plain HTTP."""

    url: str
    token: str | None = None

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        if self.token is not None:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as response:
                body = response.read()
                return response.status, json.loads(body) if body else None
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def post(self, path: str, body: Any = None) -> Any:
        status, answer = self.send("POST", path, {} if body is None else body)
        assert status in (200, 201), answer
        return answer

    def get(self, path: str) -> Any:
        status, answer = self.send("GET", path)
        assert status == 200, answer
        return answer

    @contextmanager
    def socket(self, path: str = "/ws/sos_events/") -> Iterator[websockets.sync.client.ClientConnection]:
        """A WebSocket; the dispatchers' unless another is named."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = self.url.replace("http", "ws", 1) + path
        with websockets.sync.client.connect(url, additional_headers=headers) as socket:
            yield socket


class Watch:
    """A watch as a firmware engineer would script it: mosquitto_pub out, mosquitto_sub in."""

    def __init__(self, mqtt: dict[str, Any], uid: str, password: str, *, username: str | None = None) -> None:
        self.uid = uid
        self.password = password
        self._mqtt = mqtt
        self._login = ["-u", username or uid, "-P", password]
        self._down: Listener | None = None

    def publish(self, channel: str, payload: Any) -> int:
        """mosquitto_pub; returns its exit status."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        where = ["-h", self._mqtt["host"], "-p", str(self._mqtt["port"]), *self._login]
        what = ["-q", "1", "-t", f"mayday/v1/dev/{self.uid}/{channel}", "-m", text]
        command = [str(servers.install().tool("mosquitto_pub")), *where, *what]
        return subprocess.run(command, timeout=WAIT_S, check=False, capture_output=True).returncode

    @property
    def down(self) -> Listener:
        """What the server says to this watch."""
        if self._down is None:
            uid = self.uid
            topics = [f"mayday/v1/dev/{uid}/ack", f"mayday/v1/dev/{uid}/state"]
            self._down = Listener(self._mqtt, uid, self.password, *topics)
        return self._down

    def press(self, within_s: float = WAIT_S, again_s: float = RESEND_S, **said: Any) -> dict[str, Any]:
        """Call for help as the contract asks: again each second, until the server's own ack."""
        frame = {"id": uuid.uuid4().hex[:8]} | said
        down = self.down
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            self.publish("sos", frame)
            try:
                answer = down.until(
                    lambda topic, said: topic.endswith("/ack") and said["id"] == frame["id"], again_s
                )
            except AssertionError:
                continue
            assert answer is not None
            return answer
        raise AssertionError(f"no ack within {within_s:.0f} s")

    def close(self) -> None:
        if self._down is not None:
            self._down.close()


class Phone(Watch):
    """The phone of a helper, which also hears offers."""

    def __init__(self, mqtt: dict[str, Any], uid: str, password: str) -> None:
        super().__init__(mqtt, uid, password)
        channels = [f"mayday/v1/dev/{uid}/{channel}" for channel in ("offer", "ack")]
        self.heard = Listener(mqtt, uid, password, *channels)

    def stand(self, place: dict[str, float]) -> None:
        """Say where it is, and wait until that is stored."""
        frame = {"id": uuid.uuid4().hex[:8], "ts": int(time.time()), **place}
        self.publish("pos", frame)
        assert self.heard.until(lambda topic, said: topic.endswith("/ack") and said["id"] == frame["id"])

    def offer(self) -> dict[str, Any]:
        """The next offer."""
        offered = self.heard.until(lambda topic, _: topic.endswith("/offer"), WAIT_S)
        assert offered is not None
        return offered


class House:
    """A running stack and who may use it."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status
        self.mqtt = status["mqtt"]
        self.anyone = Api(status["api"])
        self.desk = self.login(status["demo"]["dispatcher"])
        self._watches: list[Watch] = []
        self._passwords: dict[str, str] = {}

    def login(self, who: dict[str, str]) -> Api:
        tokens = self.anyone.post(
            "/api/v1/auth/login/", {"phone_number": who["phone"], "password": who["password"]}
        )
        return Api(self.anyone.url, tokens["access"])

    def alerts(self) -> Listener:
        """A dispatcher's mosquitto_sub on the alert topics."""
        who = self.status["demo"]["dispatcher"]
        return Listener(self.mqtt, who["mqtt_username"], who["mqtt_password"], "mayday/v1/alerts/#")

    def new_wearer(self) -> tuple[Api, Watch]:
        """Somebody registers, and registers a watch, both over HTTP; the watch can connect."""
        number = uuid.uuid4().int % 10_000_000
        password = uuid.uuid4().hex
        person = {"phone_number": f"+99893{number:07d}", "full_name": "Aziza Karimova"}
        registered = self.anyone.post(
            "/api/v1/auth/register/", person | {"password": password, "password2": password}
        )
        wearer = Api(self.anyone.url, registered["access"])
        self._passwords[registered["access"]] = password
        uid = f"watch-{uuid.uuid4().hex[:8]}"
        device = wearer.post("/api/v1/devices/", {"device_uid": uid, "model": "T-Watch 5"})
        watch = Watch(self.mqtt, uid, device["mqtt"]["password"])
        self._watches.append(watch)
        eventually(lambda: watch.publish("status", {"s": "online"}) == 0, "the new watch to be let in")
        return wearer, watch

    def password_of(self, wearer: Api) -> str:
        """What a new wearer chose when they registered."""
        assert wearer.token is not None
        return self._passwords[wearer.token]

    def pid(self, name: str, status: dict[str, Any]) -> int:
        return int(next(each["pid"] for each in status["processes"] if each["name"] == name))

    def resolve(self, incident: str) -> None:
        self.desk.post(f"/api/v1/incidents/{incident}/resolve/", {"outcome": "false_alarm"})

    def new_helper(self, name: str) -> tuple[Api, Phone]:
        """Somebody whom an admin made a helper, with a phone that says that they are near Samarkand."""
        number, password = uuid.uuid4().int % 10_000_000, uuid.uuid4().hex
        person = {"phone_number": f"+99894{number:07d}", "full_name": name}
        registered = self.anyone.post(
            "/api/v1/auth/register/", person | {"password": password, "password2": password}
        )
        helper = Api(self.anyone.url, registered["access"])
        me = helper.get("/api/v1/auth/me/")["uuid"]
        admin = self.login(self.status["demo"]["admin"])
        assert admin.send("PUT", f"/api/v1/users/{me}/roles/helper/")[0] == 200
        profile = {"skills": ["first_aid"], "radius_m": 2_000, "available": True}
        assert helper.send("PUT", "/api/v1/helpers/me/", profile)[0] == 200
        uid = f"phone-{uuid.uuid4().hex[:8]}"
        device = helper.post("/api/v1/devices/", {"device_uid": uid, "model": "Phone", "kind": "phone"})
        secret = device["mqtt"]["password"]
        probe = Watch(self.mqtt, uid, secret)
        eventually(lambda: probe.publish("status", {"s": "online"}) == 0, "the new phone to be let in")
        phone = Phone(self.mqtt, uid, secret)
        phone.stand(NEAR_BY)
        return helper, phone

    def send_home(self, helper: Api, phone: Phone) -> None:
        """Their story is over; they are not to turn up in others."""
        away = {"skills": [], "radius_m": 2_000, "available": False}
        assert helper.send("PUT", "/api/v1/helpers/me/", away)[0] == 200
        phone.heard.close()

    def say_helper_is(self, *, available: bool) -> None:
        """Whether the demo's helper may be asked: they are not to turn up in the stories of others."""
        helper = self.login(self.status["demo"]["helper"])
        status, answer = helper.send(
            "PUT", "/api/v1/helpers/me/", {"skills": [], "radius_m": 5_000, "available": available}
        )
        assert status == 200, answer

    def close(self) -> None:
        for watch in self._watches:
            watch.close()
