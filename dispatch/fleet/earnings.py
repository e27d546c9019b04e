"""What a driver earned, by day or by week of the place's own clock; in minor units, by currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import Date, case, cast, func, or_, select
from sqlalchemy.orm import Session

from db.models import Order
from db.states import OrderState
from dispatch.fleet import shifts


class By(StrEnum):
    """How earnings are parted."""

    DAY = "day"
    WEEK = "week"  # from Monday


_LENGTHS = {By.DAY: timedelta(days=1), By.WEEK: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Sum:
    """What was earned in one currency: fares of what was completed, fees for what others let fall through."""

    currency: str
    orders: int
    fares: int
    fees: int
    distance_m: int

    @property
    def total(self) -> int:
        return self.fares + self.fees


@dataclass(frozen=True, slots=True)
class Period:
    """One day or week: how long the driver was there, and what came of it."""

    begins_on: date
    hours: float
    sums: Sequence[Sum]


def list_periods(
    session: Session, driver_id: int, *, by: By, since: date, until: date, timezone: str, at: datetime
) -> list[Period]:
    """Each day or week from `since` until before `until`, the newest first; nothing earned is a line too."""
    zone = ZoneInfo(timezone)
    begins = _begins(by, since, until)
    if not begins:
        return []
    edges = [datetime.combine(day, time(), zone) for day in (*begins, begins[-1] + _LENGTHS[by])]
    sums = _sums(session, driver_id, by, timezone, edges[0], edges[-1])
    present = shifts.list_between(session, driver_id, since=edges[0], until=edges[-1])
    return [
        Period(
            day,
            shifts.sum_hours(present, since=edges[number], until=min(edges[number + 1], at)),
            sums.get(day, []),
        )
        for number, day in reversed(list(enumerate(begins)))
    ]


def _begins(by: By, since: date, until: date) -> list[date]:
    first = since - timedelta(days=since.weekday()) if by is By.WEEK else since
    days = []
    while first < until:
        days.append(first)
        first += _LENGTHS[by]
    return days


def _sums(
    session: Session, driver_id: int, by: By, timezone: str, since: datetime, until: datetime
) -> dict[date, list[Sum]]:
    begins_on = cast(func.date_trunc(by.value, func.timezone(timezone, Order.ended_at)), Date)
    is_done = Order.state == OrderState.COMPLETED
    rows = session.execute(
        select(
            begins_on.label("begins_on"),
            Order.currency,
            func.count().filter(is_done).label("orders"),
            func.sum(case((is_done, Order.price), else_=0)).label("fares"),
            func.sum(case((is_done, 0), else_=Order.price)).label("fees"),
            func.sum(case((is_done, Order.distance_m), else_=0)).label("distance_m"),
        )
        .where(
            Order.driver_id == driver_id,
            Order.ended_at >= since,
            Order.ended_at < until,
            or_(is_done, Order.price > 0),
        )
        .group_by(begins_on, Order.currency)
        .order_by(begins_on, Order.currency)
    )
    sums: dict[date, list[Sum]] = {}
    for row in rows:
        earned = Sum(row.currency, row.orders, int(row.fares), int(row.fees), int(row.distance_m))
        sums.setdefault(row.begins_on, []).append(earned)
    return sums
