"""What an order costs, in minor units, and why: each line adds up to what is paid. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from db.states import OrderState, Party
from dispatch.duty.rules import find_zone

FREE_CANCEL = timedelta(minutes=2)
"""So long after a driver has accepted, a customer may still think better of it."""


class LineKind(StrEnum):
    """What a line of a price is for."""

    CALLOUT = "callout"
    DISTANCE = "distance"
    NIGHT = "night"
    MINIMUM = "minimum"  # what is missing to the least that is charged
    ADDON = "addon"
    WAITING = "waiting"
    CANCEL_FEE = "cancel_fee"
    NO_SHOW_FEE = "no_show_fee"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price: `quantity` of `unit`, at `each`, as far as it has them."""

    kind: LineKind
    amount: int
    name: str = ""  # of the kind of vehicle, or of the add-on
    quantity: int | None = None
    unit: str | None = None  # m, min or pct
    each: int | None = None

    def frozen(self) -> dict[str, Any]:
        """As an order or a line of its timeline keeps it."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}

    @classmethod
    def thawed(cls, kept: Mapping[str, Any]) -> "Line":
        """As it was kept."""
        return cls(**dict(kept) | {"kind": LineKind(kept["kind"])})


@dataclass(frozen=True, slots=True)
class Rates:
    """The numbers a price is made of, as the tariff and the kind of vehicle had them."""

    tariff_id: int
    service: str
    vehicle_type: str | None
    vehicle_name: str
    currency: str
    callout: int
    minimum: int
    included_m: int
    per_km: int
    night_pct: int
    night_from: time
    night_until: time
    timezone: str
    free_wait_s: int
    per_wait_min: int
    cancel_pct: int
    no_show_pct: int

    def frozen(self) -> dict[str, Any]:
        """As an order keeps them."""
        return asdict(self) | {
            "night_from": self.night_from.isoformat(),
            "night_until": self.night_until.isoformat(),
        }

    @classmethod
    def thawed(cls, kept: Mapping[str, Any]) -> "Rates":
        """As an order has kept them."""
        night = {name: time.fromisoformat(kept[name]) for name in ("night_from", "night_until")}
        return cls(**dict(kept) | night)


@dataclass(frozen=True, slots=True)
class Addon:
    """What may be had beside: a winch, a wheel that is locked, an escort."""

    slug: str
    name: str
    price: int


@dataclass(frozen=True, slots=True)
class Quote:
    """A price before it is agreed on, with all that it was made of."""

    lines: tuple[Line, ...]
    total: int
    currency: str
    distance_m: int
    rates: Rates

    def frozen(self) -> dict[str, Any]:
        """As an order keeps it."""
        return {
            "lines": [line.frozen() for line in self.lines],
            "total": self.total,
            "currency": self.currency,
            "distance_m": self.distance_m,
            "rates": self.rates.frozen(),
        }

    @classmethod
    def thawed(cls, kept: Mapping[str, Any]) -> "Quote":
        """As an order has kept it."""
        lines = tuple(Line.thawed(line) for line in kept["lines"])
        return cls(lines, kept["total"], kept["currency"], kept["distance_m"], Rates.thawed(kept["rates"]))


def quote(rates: Rates, *, distance_m: int, addons: Sequence[Addon] = (), at: datetime) -> Quote:
    """The price of coming at this time, with a way of this length."""
    lines = [Line(LineKind.CALLOUT, rates.callout, rates.vehicle_name)]
    if beyond_m := max(0, distance_m - rates.included_m):
        amount = _share(beyond_m * rates.per_km, 1000)
        lines.append(Line(LineKind.DISTANCE, amount, quantity=beyond_m, unit="m", each=rates.per_km))
    by_day = sum(line.amount for line in lines)
    if is_night(rates, at) and (more := _share(by_day * (rates.night_pct - 100), 100)):
        lines.append(Line(LineKind.NIGHT, more, quantity=rates.night_pct, unit="pct"))
    if (missing := rates.minimum - sum(line.amount for line in lines)) > 0:
        lines.append(Line(LineKind.MINIMUM, missing, each=rates.minimum))
    lines += [Line(LineKind.ADDON, addon.price, addon.name) for addon in addons]
    return Quote(tuple(lines), sum(line.amount for line in lines), rates.currency, distance_m, rates)


def is_night(rates: Rates, at: datetime) -> bool:
    """Whether it is night by the tariff's own clock; a night may begin on one day and end on the next."""
    clock = at.astimezone(find_zone(rates.timezone) or UTC).time()
    if rates.night_from <= rates.night_until:
        return rates.night_from <= clock < rates.night_until
    return clock >= rates.night_from or clock < rates.night_until


def wait(rates: Rates, *, waited: timedelta) -> Line | None:
    """What is paid for having let a driver wait: each minute that was begun, beyond those that are free."""
    beyond_s = waited / timedelta(seconds=1) - rates.free_wait_s
    if beyond_s <= 0 or not rates.per_wait_min:
        return None
    minutes = -int(-beyond_s // 60)
    return Line(
        LineKind.WAITING, minutes * rates.per_wait_min, quantity=minutes, unit="min", each=rates.per_wait_min
    )


def bill(agreed: Quote, state: OrderState, *, price: int, waited: timedelta) -> list[Line]:
    """The lines of what is to be paid as it stands: they add up to the price."""
    match state:
        case OrderState.CANCELLED:
            return [Line(LineKind.CANCEL_FEE, price)]
        case OrderState.NO_SHOW:
            return [Line(LineKind.NO_SHOW_FEE, price)]
    waiting = wait(agreed.rates, waited=waited)
    return [*agreed.lines, *([waiting] if waiting else [])]


def cancel_fee(rates: Rates, *, fault: Party | None, accepted_at: datetime | None, at: datetime) -> int:
    """What a cancelled order costs: nothing, unless the customer is at fault and a driver relied on it."""
    if fault is not Party.CUSTOMER or accepted_at is None or at - accepted_at <= FREE_CANCEL:
        return 0
    return _share(rates.callout * rates.cancel_pct, 100)


def no_show_fee(rates: Rates) -> int:
    """What it costs that nobody was there."""
    return _share(rates.callout * rates.no_show_pct, 100)


def _share(amount: int, of: int) -> int:
    """Divided and rounded to whole minor units, a half away from nothing; without floats."""
    sign = -1 if amount < 0 else 1
    return sign * ((abs(amount) * 2 + of) // (of * 2))
