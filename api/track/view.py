"""What somebody with a link is shown of an order: who comes, when, and where they are now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from api.live.words import Words, ago
from api.orders import looks
from api.orders.sights import Ask, OrderSight
from api.track.drawing import Picture, draw
from api.track.words import WORDS, wait
from db.models import OrderLink
from db.states import OrderState
from dispatch.errors import NotFound
from dispatch.orders import arrival, links, rules

_STATIONS = ("ordered", "found", "coming", "there", "going")
_REACHED = dict.fromkeys(rules.WAITING, 0) | {
    OrderState.ACCEPTED: 1,
    OrderState.EN_ROUTE: 2,
    OrderState.ARRIVED: 3,
    OrderState.IN_PROGRESS: 4,
}


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the page shows, in words; what is None is not shown."""

    language: str
    over: bool
    well: bool
    state: str
    headline: str
    lede: str
    stations: list[str]
    reached: int
    eta: str | None = None
    picture: str | None = None  # SVG
    heard: str | None = None
    stale: str | None = None
    driver: str | None = None
    vehicle: str | None = None
    registration: str | None = None
    since: str | None = None
    start: str | None = None
    goal: str | None = None

    def told(self) -> dict[str, Any]:
        """As the page asks for it again and again."""
        return {name: getattr(self, name) for name in self.__slots__}


def look(session: Session, link: OrderLink, *, language: str, at: datetime) -> View:
    """An order as whoever has the link sees it now."""
    order = looks.take(session, Ask(orders={link.order_id}), at=at).orders.get(link.order_id)
    if order is None:
        raise NotFound("there is no such order")
    return show(order, language=language, at=at)


def show(order: OrderSight, *, language: str, at: datetime) -> View:
    """An order in words."""
    words = WORDS[language]
    headline = words[f"headline.{order.service}"].format(name=order.customer.first_name or words["somebody"])
    if order.ended:
        return _ended(order, language, at)
    driver = _driver(order, words)
    return View(
        language=language,
        over=False,
        well=False,
        state=order.state.value,
        headline=headline,
        lede=_lede(order, words, driver, at),
        stations=[words[f"step.{each}"] for each in _STATIONS],
        reached=_REACHED[order.state],
        eta=_eta(order, words, at),
        picture=_picture(order, words, driver, at),
        **_whereabouts(order, words, driver, at),
        driver=driver if order.taken else None,
        vehicle=_vehicle(order),
        registration=order.vehicle.registration if order.vehicle else None,
        since=ago(words, at - order.requested_at),
        start=order.address or None,
        goal=order.dropoff_address or None,
    )


def _ended(order: OrderSight, language: str, at: datetime) -> View:
    words = WORDS[language]
    known = order.ended_at is not None and at - order.ended_at < links.REMEMBERED
    return View(
        language=language,
        over=True,
        well=order.state is OrderState.COMPLETED,
        state=order.state.value,
        headline=words["over"],
        lede=words[f"over.{order.state}" if known else "over.none"],
        stations=[],
        reached=0,
    )


def _driver(order: OrderSight, words: Words) -> str:
    return (order.driver.first_name if order.driver else "") or words["driver"]


def _lede(order: OrderSight, words: Words, driver: str, at: datetime) -> str:
    if order.state in rules.WAITING:
        later = order.scheduled_at is not None and order.scheduled_at - at > rules.SEARCH_BEFORE
        if later and order.scheduled_at is not None:
            return words["lede.later"].format(wait=wait(words, order.scheduled_at - at))
        return words["lede.waiting"]
    which = f"{order.state}.{order.service}" if order.state is OrderState.IN_PROGRESS else order.state
    return words[f"lede.{which}"].format(driver=driver)


def _eta(order: OrderSight, words: Words, at: datetime) -> str | None:
    expected = arrival.expect(order, order.place, at=at) if order.taken else None
    if expected is None:
        return None
    which = "dropoff" if order.state is OrderState.IN_PROGRESS else "pickup"
    return words[f"eta.{which}"].format(minutes=max(1, -(-expected.eta_s // 60)))


def _whereabouts(order: OrderSight, words: Words, driver: str, at: datetime) -> dict[str, str | None]:
    """How old the place is that is shown; an old one is told as a warning."""
    if not order.taken:
        return {}
    if order.place is None:
        return {"heard": words["unheard"].format(driver=driver)}
    passed = max(at - order.place.at, timedelta())
    which = "stale" if arrival.is_stale(order.place.at, at=at) else "heard"
    return {which: words[which].format(driver=driver, ago=ago(words, passed))}


def _vehicle(order: OrderSight) -> str | None:
    if order.vehicle is None:
        return None
    return order.vehicle.name or order.vehicle.type or None


def _picture(order: OrderSight, words: Words, driver: str, at: datetime) -> str | None:
    """From the meeting point until they set out from there, then from the destination."""
    start = order.lat, order.lon
    goal = None
    if order.dropoff_lat is not None and order.dropoff_lon is not None:
        goal = order.dropoff_lat, order.dropoff_lon
    here = (order.place.lat, order.place.lon) if order.taken and order.place else None
    if here is None:
        return None
    away = order.state is OrderState.IN_PROGRESS and goal is not None
    picture = Picture(
        goal=goal if away and goal else start,
        goal_name=words["pin.dropoff" if away else "pin.pickup"],
        here=here,
        here_name=driver,
        stale=order.place is not None and arrival.is_stale(order.place.at, at=at),
        other=start if away else goal,
        other_name=words["pin.pickup" if away else "pin.dropoff"],
    )
    return draw(picture, words, title=words["picture"].format(driver=driver))
