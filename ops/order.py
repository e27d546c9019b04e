"""The way of one order through a running stack: the demo's customer asks, the demo's driver comes."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import websockets
from rich.console import Console
from rich.table import Table

from broker import topics
from broker.topics import Channel
from ops.trouble import Trouble
from ops.visitors import WAIT_S, Counter, mqtt

PICKUP = {"lat": 41.311081, "lon": 69.240562, "address": "Amir Temur xiyoboni"}
DROPOFF = {"lat": 41.2648, "lon": 69.2163, "address": "Tashkent South"}
_COMES_FROM = {"lat": 41.3185, "lon": 69.2530}

_STEPS, _STEP_S = 4, 0.8
_LEFT_OVER = "&".join(
    f"state={state}"
    for state in (
        *("requested", "offered", "unassigned"),
        *("accepted", "en_route", "arrived", "in_progress"),
    )
)


@dataclass
class Trip:
    """One order: what it cost, and the seconds after which each station was reached."""

    order: int
    quoted: str
    reached_s: dict[str, float] = field(default_factory=dict)
    paid: str | None = None


class Town:
    """The demo's customer, driver and desk, each with what they use."""

    def __init__(self, status: dict[str, Any]) -> None:
        demo = status["demo"]
        self._status, self._demo, self._taxi = status, demo, demo["taxi"]
        self.customer, self.driver, self.desk = Counter(status), Counter(status), Counter(status)

    @asynccontextmanager
    async def awake(self) -> AsyncIterator["Town"]:
        """Everybody is logged in, and the driver is on shift near by, with a phone that listens."""
        await self.customer.log_in(self._demo["customer"])
        await self.driver.log_in(self._demo["driver"])
        await self.desk.log_in(self._demo["dispatcher"])
        async with AsyncExitStack() as stack:
            self._phone = await stack.enter_async_context(
                mqtt(self._status, self._taxi["uid"], self._taxi["password"])
            )
            for channel in (Channel.OFFER, Channel.ACK):
                await self._phone.subscribe(self._topic(channel), 1)
            await self._clear()
            await self.driver.send("POST", "/api/v1/drivers/me/shifts/", {})
            await self._stand(_COMES_FROM)
            yield self

    async def order(self) -> Trip:
        """From the quote to the end."""
        wish = {"service": "tow", "vehicle_type": "car", "pickup": PICKUP, "dropoff": DROPOFF}
        quoted = await self.customer.send("POST", "/api/v1/orders/quote/", wish)
        said = {"vehicle": {"make": "Chevrolet", "model": "Cobalt", "trouble": "does not start"}}
        asked_at = time.perf_counter()
        placed = await self.customer.send("POST", "/api/v1/orders/", wish | said | {"quote": quoted["quote"]})
        trip = Trip(placed["id"], quoted["price"]["text"])

        def reach(station: str) -> None:
            trip.reached_s[station] = time.perf_counter() - asked_at

        reach("ordered")
        async with self.customer.socket(f"/ws/orders/{trip.order}/") as screen:
            offer = await self._hear(Channel.OFFER, lambda said: said["kind"] == "order")
            reach("offered to the driver's phone")
            await self._publish(Channel.REPLY, {"id": offer["id"], "ok": True})
            await self._hear(Channel.ACK, lambda said: said["id"] == offer["id"] and said["ok"])
            reach("accepted by the phone")
            await _shown(screen, lambda news: news["data"].get("state") == "accepted")
            reach("the customer sees who comes")
            await self._say(trip, "en_route")
            for step in range(1, _STEPS + 1):
                await self._stand(_between(_COMES_FROM, PICKUP, step / _STEPS))
                await asyncio.sleep(_STEP_S)  # as a phone that says where it is now and then
            await _shown(
                screen, lambda news: news["type"] == "location" and news["data"]["eta_s"] is not None
            )
            reach("the customer sees where, and when")
            for state in ("arrived", "in_progress", "completed"):
                await self._say(trip, state)
            await _shown(screen, lambda news: news["data"].get("state") == "completed")
            reach("done")
        ended = await self.customer.send("GET", f"/api/v1/orders/{trip.order}/")
        trip.paid = ended["price"]["text"]
        return trip

    async def _clear(self) -> None:
        """What an earlier time left behind is called off."""
        for whose in (self.customer, self.driver):
            mine = "customer" if whose is self.customer else "driver"
            left = await whose.send("GET", f"/api/v1/orders/list/?mine={mine}&{_LEFT_OVER}")
            for each in left["items"]:
                why = {"why": "left behind by ./mayday order"}
                await self.desk.send("POST", f"/api/v1/orders/{each['id']}/cancel/", why)

    async def _say(self, trip: Trip, state: str) -> None:
        await self.driver.send("PATCH", f"/api/v1/orders/{trip.order}/update-status/", {"status": state})

    async def _stand(self, place: dict[str, float]) -> None:
        """Have the driver's phone say where it is, and wait until that is stored."""
        fix = {"id": uuid.uuid4().hex[:8], "ts": int(time.time()), "acc": 10, **place}
        await self._publish(Channel.POS, fix)
        await self._hear(Channel.ACK, lambda said: said["id"] == fix["id"])

    async def _publish(self, channel: Channel, frame: dict[str, Any]) -> None:
        await self._phone.publish(self._topic(channel), json.dumps(frame), qos=1)

    async def _hear(self, channel: Channel, wanted: Any) -> dict[str, Any]:
        """The first frame that is wanted; those before it are passed over."""
        async with asyncio.timeout(WAIT_S):
            async for message in self._phone.messages:
                said: dict[str, Any] = json.loads(str(message.payload, "utf-8"))
                if str(message.topic) == self._topic(channel) and wanted(said):
                    return said
        raise aiomqtt.MqttError("the broker hung up")

    def _topic(self, channel: Channel) -> str:
        return str(topics.DeviceTopic(self._taxi["uid"], channel))


async def _shown(screen: websockets.ClientConnection, wanted: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        async for message in screen:
            if wanted(json.loads(message)):
                return


def _between(here: dict[str, float], there: dict[str, Any], part: float) -> dict[str, float]:
    return {name: here[name] + (there[name] - here[name]) * part for name in ("lat", "lon")}


async def _walk(status: dict[str, Any]) -> Trip:
    async with Town(status).awake() as town:
        return await town.order()


def show(status: dict[str, Any], *, console: Console) -> None:
    """Order a tow, drive it, and print when each station was reached."""
    try:
        trip = asyncio.run(_walk(status))
    except TimeoutError as error:
        raise Trouble("the order was not answered in time; look at ./mayday status and its logs") from error
    except (OSError, aiomqtt.MqttError, websockets.WebSocketException) as error:
        raise Trouble(f"the order could not be followed: {error}; look at ./mayday status") from error
    table = Table("station", "after", box=None, pad_edge=False)
    for station, reached_s in trip.reached_s.items():
        table.add_row(station, f"{reached_s * 1000:,.0f} ms")
    console.print(f"A tow for the demo's customer, order [bold]{trip.order}[/bold], quoted at {trip.quoted}")
    console.print(table)
    console.print(
        f"It cost {trip.paid}. Drivers are found in rounds, three seconds apart unless set otherwise."
    )
