"""The way of one SOS through a running stack, with the time at each station."""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import psycopg
import websockets
from rich.console import Console
from rich.table import Table

from broker import topics
from db import outbox
from ops.trouble import Trouble
from ops.visitors import WAIT_S, Counter, mqtt

PLACE = {"lat": 41.311081, "lon": 69.240562}

PUBLISHED = "published: the broker has it"
STORED = "stored: incident, timer and fact committed"
ACKNOWLEDGED = "acknowledged to the device"
ALERTED = "on the dispatchers' alert topic"
SHOWN = "on the dispatchers' WebSocket"
OFFERED = "offered to a helper near by"
STATIONS = (PUBLISHED, STORED, ACKNOWLEDGED, ALERTED, SHOWN, OFFERED)

_NEAR_BY = {"lat": 41.313, "lon": 69.2413}


@dataclass
class Way:
    """One press: its answer, and the seconds after which each station had it."""

    press: str
    incident: str | None = None
    joined: bool = False
    refused: str | None = None
    has_helper: bool = True
    reached_s: dict[str, float] = field(default_factory=dict)

    @property
    def expected(self) -> list[str]:
        """The WebSocket and helpers hear of new incidents only; a refused press ends at its answer."""
        if self.refused is not None:
            return [PUBLISHED, ACKNOWLEDGED]
        passed_over = {SHOWN, OFFERED} if self.joined else set() if self.has_helper else {OFFERED}
        return [station for station in STATIONS if station not in passed_over]

    @property
    def complete(self) -> bool:
        return all(station in self.reached_s for station in self.expected)


class Watcher:
    """Stands at every station at once: the device, the database, alert topic, WebSocket, a helper's phone."""

    def __init__(self, status: dict[str, Any]) -> None:
        self._status = status
        self._watch = status["demo"]["watch"]
        self._phone = status["demo"].get("phone")  # a home that was made before it has none
        self._arrivals: list[tuple[float, str, dict[str, Any]]] = []
        self._arrived = asyncio.Event()
        self._desk = Counter(status)

    @asynccontextmanager
    async def standing(self) -> AsyncIterator["Watcher"]:
        """Listens at all stations within the block."""
        demo = self._status["demo"]
        await self._desk.log_in(demo["dispatcher"])
        async with AsyncExitStack() as stack:
            self._device = await stack.enter_async_context(
                mqtt(self._status, self._watch["uid"], self._watch["password"])
            )
            desk = await stack.enter_async_context(
                mqtt(self._status, demo["dispatcher"]["mqtt_username"], demo["dispatcher"]["mqtt_password"])
            )
            database = await stack.enter_async_context(
                await psycopg.AsyncConnection.connect(self._status["database"], autocommit=True)
            )
            socket = await stack.enter_async_context(self._desk.socket("/ws/sos_events/"))
            await self._device.subscribe(str(topics.DeviceTopic(self._watch["uid"], topics.Channel.ACK)), 1)
            await desk.subscribe(topics.ALERT_LINES[topics.AlertKind.SOS].filter(), 1)
            await database.execute(f"LISTEN {outbox.CHANNEL}")
            posts = [
                self._at_topic(ACKNOWLEDGED, self._device),
                self._at_topic(ALERTED, desk),
                self._at_database(database),
                self._at_socket(socket),
            ]
            if self._phone:
                helper = await stack.enter_async_context(
                    mqtt(self._status, self._phone["uid"], self._phone["password"])
                )
                await self._be_near(helper)
                posts.append(self._at_topic(OFFERED, helper))
            watching = [asyncio.create_task(post) for post in posts]
            try:
                yield self
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    async def press(self) -> Way:
        """Send one SOS as a watch does, and wait until it came all the way, or ten seconds."""
        way = Way(press=uuid.uuid4().hex[:8], has_helper=self._phone is not None)
        frame = {"id": way.press, "ts": int(time.time()), "type": "button", **PLACE}
        self._arrivals.clear()
        sent_at = time.perf_counter()
        await self._device.publish(
            str(topics.DeviceTopic(self._watch["uid"], topics.Channel.SOS)), json.dumps(frame), qos=1
        )
        self._note(PUBLISHED, {})
        while not self._trace(way, sent_at).complete:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), sent_at + WAIT_S - time.perf_counter())
            except TimeoutError:
                break
        return way

    async def _be_near(self, helper: aiomqtt.Client) -> None:
        """Have the helper's phone say where it is, and wait until that is stored."""
        topic = topics.DeviceTopic
        uid = self._phone["uid"]
        await helper.subscribe(str(topic(uid, topics.Channel.ACK)), 1)
        fix = {"id": uuid.uuid4().hex[:8], "ts": int(time.time()), "acc": 10, **_NEAR_BY}
        await helper.publish(str(topic(uid, topics.Channel.POS)), json.dumps(fix), qos=1)
        async with asyncio.timeout(WAIT_S):
            async for message in helper.messages:
                if json.loads(str(message.payload, "utf-8")).get("id") == fix["id"]:
                    break
        await helper.unsubscribe(str(topic(uid, topics.Channel.ACK)))
        await helper.subscribe(str(topic(uid, topics.Channel.OFFER)), 1)

    async def resolve(self, way: Way) -> None:
        """Close what was opened, as the dispatcher would."""
        await self._desk.send(
            "POST", f"/api/v1/incidents/{way.incident}/resolve/", {"outcome": "false_alarm"}
        )

    def _trace(self, way: Way, sent_at: float) -> Way:
        """Read from the arrivals how far the press came; an alert may overtake the answer that names it."""
        for _, station, said in self._arrivals:
            if station == ACKNOWLEDGED and said.get("id") == way.press:
                way.incident, way.joined, way.refused = (
                    said.get("sos"),
                    bool(said.get("dup")),
                    said.get("err"),
                )
        for at, station, said in self._arrivals:
            ours = {
                ACKNOWLEDGED: said.get("id") == way.press,
                ALERTED: way.incident is not None and said.get("incident") == way.incident,
                SHOWN: way.incident is not None and said.get("event_uid") == way.incident,
            }
            if ours.get(station, True):
                way.reached_s.setdefault(station, at - sent_at)
        return way

    def _note(self, station: str, said: dict[str, Any]) -> None:
        self._arrivals.append((time.perf_counter(), station, said))
        self._arrived.set()

    async def _at_topic(self, station: str, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if message.payload and not message.retain:
                self._note(station, json.loads(str(message.payload, "utf-8")))

    async def _at_database(self, database: psycopg.AsyncConnection[Any]) -> None:
        async for _ in database.notifies():
            self._note(STORED, {})

    async def _at_socket(self, socket: websockets.ClientConnection) -> None:
        async for message in socket:
            self._note(SHOWN, json.loads(message)["payload"])


async def _press(status: dict[str, Any], *, count: int, keep: bool, console: Console) -> list[Way]:
    ways = []
    async with Watcher(status).standing() as watcher:
        for number in range(count):
            way = await watcher.press()
            ways.append(way)
            if count > 1 and console.is_terminal:
                console.print(f"{number + 1} of {count}", end="\r")
            if way.incident is not None and not (keep and number + 1 == count):
                await watcher.resolve(way)
    return ways


def show(status: dict[str, Any], *, count: int = 1, keep: bool = False, console: Console) -> bool:
    """Press SOS on the demo watch, print its way, and tell whether all of it was walked."""
    try:
        ways = asyncio.run(_press(status, count=count, keep=keep, console=console))
    except (OSError, aiomqtt.MqttError, psycopg.Error, websockets.WebSocketException) as error:
        raise Trouble(f"the SOS could not be followed: {error}; look at ./mayday status") from error
    last = ways[-1]
    table = Table("station", "after" if count == 1 else f"median of {count}", box=None, pad_edge=False)
    if count > 1:
        table.add_column("slowest")
    for station in STATIONS:
        took_ms = sorted(way.reached_s[station] * 1000 for way in ways if station in way.reached_s)
        if not took_ms:
            if station == OFFERED and not last.has_helper:
                continue
            missing = "[red]never[/red]" if station in last.expected else "only new incidents are told there"
            table.add_row(station, missing)
        elif count > 1:
            table.add_row(station, f"{statistics.median(took_ms):.1f} ms", f"{took_ms[-1]:.1f} ms")
        else:
            table.add_row(station, f"{took_ms[0]:.1f} ms")
    console.print(f"SOS from [bold]{status['demo']['watch']['uid']}[/bold], press {last.press}")
    console.print(table)
    if last.refused is not None:
        console.print(f"The server refused it: {last.refused}")
    else:
        how = "joined one that was open already" if last.joined else "was opened"
        then = "stays open" if keep else "is resolved again as a false alarm; --keep leaves it open"
        console.print(f"It {how}: incident {last.incident}, which {then}.", soft_wrap=True)
    return last.refused is None and all(way.complete for way in ways)
