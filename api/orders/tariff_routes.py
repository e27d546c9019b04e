"""What services cost where, and for which kinds of vehicles: read by everybody, written by admins."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response, status
from pydantic import AfterValidator, Field

from api.deps import Acting, Admin, Caller, Now, ReadSession, WriteSession
from api.orders.schemas import Slug
from api.schemas import Answer, Own, Storable
from broker.topics import is_region
from db.models import Tariff, VehicleType
from db.states import Service
from dispatch.orders import price_lists as verbs
from dispatch.orders.price_lists import TariffDraft, TypeDraft
from dispatch.orders.pricing import Addon
from dispatch.regions.rules import SLUG_EXPECTED

router = APIRouter(tags=["orders"])

_MOST_MONEY = 10**12

Amount = Annotated[int, Field(ge=0, le=_MOST_MONEY, examples=[1_500_000])]
Share = Annotated[int, Field(ge=0, le=100)]
Name = Annotated[str, Field(min_length=1, max_length=100), Storable]
TariffId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def _own_slug(text: str) -> str:
    if not is_region(text):
        raise ValueError(SLUG_EXPECTED)
    return text


def _minute(clock: time) -> time:
    if clock.tzinfo is not None:
        raise ValueError("must be a time on the wall, such as 22:00; the zone stands in timezone")
    return clock


OwnSlug = Annotated[Slug, AfterValidator(_own_slug)]
Clock = Annotated[time, AfterValidator(_minute), Field(examples=["22:00"])]


class AddonIn(Own):
    """What may be had beside."""

    slug: OwnSlug
    name: Name
    price: Amount


class TariffIn(Own):
    """What a service costs, in the smallest unit of its currency. Without a region: wherever no other is.

    The base price of the vehicle and the km beyond those included, dearer at night, at least the minimum;
    then add-ons, and the minutes of waiting beyond those that are free.
    """

    service: Service
    region: Slug | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["UZS"])]
    minimum: Amount
    included_m: Annotated[int, Field(ge=0, le=1_000_000, examples=[2_000])]
    per_km: Amount
    night_pct: Annotated[int, Field(ge=100, le=1_000, description="100 is the price of the day")] = 100
    night_from: Clock = time(22)
    night_until: Clock = time(6)
    timezone: Annotated[str, Field(min_length=1, max_length=64, examples=["Asia/Tashkent"]), Storable]
    free_wait_s: Annotated[int, Field(ge=0, le=86_400)] = 180
    per_wait_min: Amount = 0
    addons: Annotated[list[AddonIn], Field(default_factory=list, max_length=50)]
    cancel_pct: Annotated[
        Share, Field(description="of the base price, where a late cancel is the customer's")
    ] = 0
    no_show_pct: Share = 0

    def draft(self) -> TariffDraft:
        """As the verbs take it."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        return TariffDraft(**said | {"addons": [Addon(**each.model_dump()) for each in self.addons]})


class TariffOut(Answer):
    """A tariff as it stands."""

    id: int
    service: Service
    region: str | None
    currency: str
    minimum: int
    included_m: int
    per_km: int
    night_pct: int
    night_from: time
    night_until: time
    timezone: str
    free_wait_s: int
    per_wait_min: int
    addons: list[dict[str, Any]]
    cancel_pct: int
    no_show_pct: int
    changed_at: datetime


class TypeIn(Own):
    """A kind of vehicle: what is towed or repaired, or what a passenger rides in."""

    name: Name
    services: Annotated[list[Service], Field(min_length=1, max_length=len(Service))]
    base_price: Annotated[Amount, Field(description="of coming out, in the tariffs' currency")]
    weight_kg: Annotated[
        int | None, Field(ge=1, le=100_000, description="what a tow truck must be able to carry for it")
    ] = None
    seats: Annotated[int | None, Field(ge=1, le=100)] = None
    rank: Annotated[int, Field(ge=-1_000, le=1_000, description="the lowest is shown first")] = 0

    def draft(self, slug: str) -> TypeDraft:
        """As the verbs take it."""
        said = self.model_dump() | {"services": list(dict.fromkeys(self.services))}
        return TypeDraft(slug=slug, **said)


class TypeOut(Answer):
    """A kind of vehicle as it stands."""

    slug: str
    name: str
    services: list[Service]
    base_price: int
    weight_kg: int | None
    seats: int | None
    rank: int


class TypeFilter(Own):
    """Which kinds of vehicles."""

    service: Service | None = None


@router.get("/tariffs/", response_model=list[TariffOut])
def list_tariffs(_: Caller, session: ReadSession) -> Sequence[Tariff]:
    """What each service costs, by region."""
    return verbs.list_tariffs(session)


@router.post("/tariffs/", status_code=status.HTTP_201_CREATED, response_model=TariffOut)
def create_tariff(body: TariffIn, _: Admin, actor: Acting, session: WriteSession, at: Now) -> Tariff:
    """Say what a service costs in a region, or wherever no other tariff is."""
    return verbs.create_tariff(session, body.draft(), actor=actor, at=at)


@router.get("/tariffs/{tariff_id}/", response_model=TariffOut)
def show_tariff(tariff_id: TariffId, _: Caller, session: ReadSession) -> Tariff:
    """One tariff."""
    return verbs.get_tariff(session, tariff_id)


@router.put("/tariffs/{tariff_id}/", response_model=TariffOut)
def replace_tariff(
    tariff_id: TariffId, body: TariffIn, _: Admin, actor: Acting, session: WriteSession, at: Now
) -> Tariff:
    """Change all of a tariff; what was ordered or quoted before keeps its price."""
    return verbs.replace_tariff(session, tariff_id, body.draft(), actor=actor, at=at)


@router.delete("/tariffs/{tariff_id}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_tariff(tariff_id: TariffId, _: Admin, actor: Acting, session: WriteSession, at: Now) -> None:
    """Take a tariff away; what was ordered before keeps its price."""
    verbs.remove_tariff(session, tariff_id, actor=actor, at=at)


@router.get("/vehicle-types/", response_model=list[TypeOut])
def list_types(
    wanted: Annotated[TypeFilter, Query()], _: Caller, session: ReadSession
) -> Sequence[VehicleType]:
    """The kinds of vehicles one can order for, as they are to be shown."""
    return verbs.list_types(session, wanted.service)


@router.put("/vehicle-types/{slug}/", response_model=TypeOut)
def put_type(
    slug: OwnSlug,
    body: TypeIn,
    _: Admin,
    actor: Acting,
    session: WriteSession,
    response: Response,
    at: Now,
) -> VehicleType:
    """Add a kind of vehicle under this name, or change all of it."""
    kind, is_new = verbs.put_type(session, body.draft(slug), actor=actor, at=at)
    response.status_code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
    return kind


@router.delete("/vehicle-types/{slug}/", status_code=status.HTTP_204_NO_CONTENT)
def retire_type(slug: OwnSlug, _: Admin, actor: Acting, session: WriteSession, at: Now) -> None:
    """Have nobody order for this kind any more; orders that name it stay what they are."""
    verbs.retire_type(session, slug, actor=actor, at=at)
