"""Drivers at work on the wire."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from api.fleet.service import InPerson
from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Own, RowId, Storable
from db.models import Driver, LastPlace, Shift, Vehicle
from db.states import Service
from dispatch.duty.rules import find_zone
from dispatch.fleet.earnings import By, Period
from dispatch.fleet.ledger import Ledger
from dispatch.fleet.profiles import Licence
from dispatch.fleet.vehicles import Draft
from dispatch.matching import fairness
from dispatch.matching.driver_rules import licence_expired
from dispatch.matching.fairness import Given
from dispatch.matching.rules import FRESH

_LONGEST = timedelta(days=366)

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), Storable]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), Storable]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Storable]
Slug = Annotated[str, Field(max_length=63), Storable]


def _zone(name: str) -> str:
    if find_zone(name) is None:
        raise ValueError("must be a time zone, such as Asia/Tashkent")
    return name


Timezone = Annotated[
    str,
    Field(min_length=1, max_length=64, examples=["Asia/Tashkent"]),
    Storable,
    AfterValidator(_zone),
]


Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))
]


class ProfileIn(Own):
    """What a driver does, and where."""

    services: Annotated[list[Service], Field(max_length=len(Service))]
    regions: Annotated[
        list[Slug] | None, Field(max_length=100, description="where they drive; null means anywhere")
    ] = None


class LicenceIn(Own):
    """What a driver may drive; it is good until the end of the day it names."""

    category: Annotated[Short, Field(examples=["C"])]
    number: Annotated[Short, Field(examples=["AF 1234567"])]
    expires_on: date

    def licence(self) -> Licence:
        return Licence(self.category, self.number, self.expires_on)


class VehicleIn(Own):
    """All of a vehicle; what it cannot do, it is not asked for."""

    type: Annotated[Short, Field(examples=["flatbed"])]
    registration: Annotated[Short | None, Field(examples=["01 A 123 BC"])] = None
    name: Annotated[Line, Field(examples=["Isuzu NQR, white"])] = ""
    seats: Annotated[int | None, Field(ge=1, le=100, description="for passengers")] = None
    payload_kg: Annotated[int | None, Field(ge=0, le=100_000, description="what can be towed")] = None
    lift: bool = False
    ramp: bool = False
    child_seats: Annotated[int, Field(ge=0, le=10)] = 0

    def draft(self) -> Draft:
        return Draft(**self.model_dump())


class VehicleOut(Answer):
    """What a driver comes with."""

    id: int
    type: str
    registration: str | None
    name: str
    seats: int | None
    payload_kg: int | None
    lift: bool
    ramp: bool
    child_seats: int


class ShiftIn(Own):
    """With which vehicle; without one it is the newest."""

    vehicle_id: RowId | None = None


class ShiftOut(Answer):
    """A time in which a driver could be asked; it goes on while it has no end."""

    id: int
    vehicle_id: int | None
    started_at: datetime
    ended_at: datetime | None
    why_ended: str | None


class ShiftFilter(Own):
    """Which page of them; newest first."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class LicenceOut(Answer):
    """A driver's licence; once it is over, no shift begins."""

    category: str | None
    number: str | None
    expires_on: date | None
    expired: bool
    days_left: int | None

    @classmethod
    def of(cls, driver: Driver, *, at: datetime) -> "LicenceOut | None":
        """As it stands today; None where none was told."""
        if driver.licence_number is None and driver.licence_expires_on is None:
            return None
        ends = driver.licence_expires_on
        return cls(
            category=driver.licence_category,
            number=driver.licence_number,
            expires_on=ends,
            expired=licence_expired(ends, at=at),
            days_left=None if ends is None else max((ends - at.date()).days, 0),
        )


class PlaceOut(Answer):
    """Where somebody was when they last said so; a stale place says nothing of where they are."""

    lat: float
    lon: float
    at: datetime
    age_s: int
    stale: bool

    @classmethod
    def of(cls, place: LastPlace, *, at: datetime) -> "PlaceOut":
        """With its age."""
        age = max(at - place.at, timedelta(0))
        return cls(
            lat=place.lat, lon=place.lon, at=place.at, age_s=int(age.total_seconds()), stale=age > FRESH
        )


class DriverOut(Answer):
    """A driver, as they and the desk see them."""

    id: int
    full_name: str
    phone_number: str | None
    services: list[str]
    regions: list[str] | None = Field(description="where they drive; null means anywhere")
    online: bool
    licence: LicenceOut | None
    shift: ShiftOut | None = Field(description="the one that goes on")
    vehicle: VehicleOut | None = Field(description="what they come with now")
    vehicles: list[VehicleOut]
    place: PlaceOut | None
    order: int | None = Field(description="the order they have taken and not yet done")

    @classmethod
    def of(cls, person: InPerson, *, at: datetime) -> "DriverOut":
        """As it stands."""
        user, driver = person.user, person.driver
        return cls(
            id=user.id,
            full_name=user.full_name,
            phone_number=user.phone,
            services=driver.services if driver else [],
            regions=driver.regions if driver else None,
            online=driver.online if driver else False,
            licence=LicenceOut.of(driver, at=at) if driver else None,
            shift=_shift(person.shift),
            vehicle=_vehicle(person.vehicle),
            vehicles=[VehicleOut.model_validate(each) for each in person.vehicles],
            place=PlaceOut.of(person.place, at=at) if person.place else None,
            order=person.order_id,
        )


def _shift(shift: Shift | None) -> ShiftOut | None:
    return None if shift is None else ShiftOut.model_validate(shift)


def _vehicle(vehicle: Vehicle | None) -> VehicleOut | None:
    return None if vehicle is None else VehicleOut.model_validate(vehicle)


class DriverFilter(Own):
    """Which drivers to list; newest first."""

    online: bool | None = None
    service: Service | None = None
    search: Annotated[Words | None, Field(description="part of a name, a phone number or a plate")] = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class LedgerLineOut(Answer):
    """What was given: an offer is 1, an order taken is 1, of hours as many as there were."""

    kind: Given
    at: datetime
    amount: float
    weight: float = Field(description="what is left of it now: it halves with each half-life")
    order: int | None


class StandingOut(Answer):
    """What the lines add up to, each by its weight of now."""

    offers: float
    accepts: float
    declines: float = Field(description="shown, and held against nobody")
    lapses: float = Field(description="the same")
    hours: float
    work: float = Field(description="what offers and accepts come to, in orders")


class LedgerOut(Answer):
    """By what a driver is judged when orders are shared out fairly; the newest line first."""

    at: datetime
    window_days: int
    half_life_days: float
    offer_share: float = Field(description="what an offer counts beside an order that was taken")
    standing: StandingOut
    items: list[LedgerLineOut]

    @classmethod
    def of(cls, ledger: Ledger, *, at: datetime) -> "LedgerOut":
        """As it is read at this moment."""
        day = timedelta(days=1)
        standing = ledger.standing
        return cls(
            at=at,
            window_days=fairness.WINDOW // day,
            half_life_days=fairness.HALF_LIFE / day,
            offer_share=fairness.OFFER_SHARE,
            standing=StandingOut(
                **{
                    name: round(getattr(standing, name), 3)
                    for name in ("offers", "accepts", "declines", "lapses", "hours", "work")
                }
            ),
            items=[
                LedgerLineOut(
                    kind=line.kind,
                    at=line.at,
                    amount=round(line.amount, 3),
                    weight=round(line.weight, 3),
                    order=line.order_id,
                )
                for line in ledger.lines
            ],
        )


class EarningsFilter(Own):
    """Which days to add up, by whose clock; without days, the last seven or the last eight weeks."""

    by: By = By.DAY
    since: Annotated[Day | None, Field(description="the first day")] = None
    until: Annotated[Day | None, Field(description="the day after the last, else tomorrow")] = None
    timezone: Timezone = "UTC"

    @model_validator(mode="after")
    def _check_span(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    def span(self, *, at: datetime) -> tuple[date, date]:
        """The first day, and the day after the last; at most a year."""
        until = self.until or at.astimezone(find_zone(self.timezone)).date() + timedelta(days=1)
        usual = timedelta(days=7) if self.by is By.DAY else timedelta(weeks=8)
        return max(self.since or until - usual, until - _LONGEST), until


class SumOut(Answer):
    """In minor units of one currency."""

    currency: str
    orders: int
    fares: int
    fees: int = Field(description="for orders that others let fall through")
    total: int
    distance_m: int


class PeriodOut(Answer):
    """One day, or one week from its Monday."""

    begins_on: date
    hours: float
    sums: list[SumOut]

    @classmethod
    def of(cls, period: Period) -> "PeriodOut":
        """Rounded to what a person reads."""
        sums = [SumOut.model_validate(each) for each in period.sums]
        return cls(begins_on=period.begins_on, hours=round(period.hours, 2), sums=sums)


class EarningsOut(Answer):
    """The newest first; who earned nothing finds a line without sums."""

    by: By
    timezone: str
    items: list[PeriodOut]


class FiguresFilter(Own):
    """What was offered, and what ended, from `since` until before `until`; without them, 30 days."""

    since: Moment | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self


class FiguresOut(Answer):
    """How a driver answers, and what becomes of the orders they took."""

    since: datetime
    until: datetime
    offers: int
    accepted: int
    declined: int
    expired: int
    withdrawn: int = Field(description="taken back before there was an answer: counted nowhere else")
    acceptance_share: float | None
    answer_p50_s: float | None
    pickup_distance_p50_m: float | None
    completed: int
    cancelled: int
    cancelled_by_fault_of_driver: int
    no_shows: int
    given_back: int
    completion_share: float | None
    hours: float
    completed_per_hour: float | None
