"""Tariffs and kinds of vehicles, as admins write them; orders keep the numbers they were quoted by."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db import audit
from db.audit import Actor
from db.models import Region, Tariff, VehicleType
from db.states import Service
from dispatch.duty.rules import find_zone
from dispatch.errors import Conflict, NotFound, WrongFields
from dispatch.orders.pricing import Addon


@dataclass(frozen=True, slots=True)
class TariffDraft:
    """A tariff as somebody wants it; without a region it holds wherever no other does."""

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
    addons: Sequence[Addon]
    cancel_pct: int
    no_show_pct: int


@dataclass(frozen=True, slots=True)
class TypeDraft:
    """A kind of vehicle as somebody wants it."""

    slug: str
    name: str
    services: Sequence[Service]
    base_price: int
    weight_kg: int | None
    seats: int | None
    rank: int


class PlaceTaken(Conflict):
    """There is a tariff for this service and region."""

    code = "taken"
    field = "region"


class OtherCurrency(Conflict):
    """The base prices of vehicles are in one currency, and so is all that is added to them."""

    code = "other_currency"
    field = "currency"


def list_tariffs(session: Session) -> Sequence[Tariff]:
    """All tariffs, by service and region; that of everywhere else is the last of its service."""
    return session.scalars(select(Tariff).order_by(Tariff.service, Tariff.region.nulls_last())).all()


def get_tariff(session: Session, tariff_id: int) -> Tariff:
    """One tariff."""
    found = session.get(Tariff, tariff_id)
    if found is None:
        raise NotFound("there is no such tariff")
    return found


def create_tariff(session: Session, draft: TariffDraft, *, actor: Actor, at: datetime) -> Tariff:
    """Say what a service costs in a region."""
    _one_at_a_time(session)
    _check(session, draft, apart_from=None)
    tariff = Tariff()
    _fill(tariff, draft, at=at)
    session.add(tariff)
    session.flush()
    audit.record(session, actor, "tariff.created", subject=_named(tariff), at=at, now=_content(tariff))
    return tariff


def replace_tariff(
    session: Session, tariff_id: int, draft: TariffDraft, *, actor: Actor, at: datetime
) -> Tariff:
    """Change all of a tariff; what was ordered or quoted keeps its price."""
    _one_at_a_time(session)
    tariff = get_tariff(session, tariff_id)
    _check(session, draft, apart_from=tariff_id)
    before = _content(tariff)
    _fill(tariff, draft, at=at)
    session.flush()
    if (now := _content(tariff)) != before:
        audit.record(session, actor, "tariff.changed", subject=_named(tariff), at=at, before=before, now=now)
    return tariff


def remove_tariff(session: Session, tariff_id: int, *, actor: Actor, at: datetime) -> None:
    """Take a tariff away: what it was for costs what the next one says, or can be ordered no more."""
    _one_at_a_time(session)
    tariff = get_tariff(session, tariff_id)
    audit.record(session, actor, "tariff.removed", subject=_named(tariff), at=at, before=_content(tariff))
    session.delete(tariff)
    session.flush()


def list_types(session: Session, service: Service | None = None) -> Sequence[VehicleType]:
    """The kinds of vehicles that can be ordered for, as they are shown."""
    found = select(VehicleType).where(VehicleType.retired_at.is_(None))
    if service is not None:
        found = found.where(VehicleType.services.contains([service.value]))
    return session.scalars(found.order_by(VehicleType.rank, VehicleType.slug)).all()


def put_type(session: Session, draft: TypeDraft, *, actor: Actor, at: datetime) -> tuple[VehicleType, bool]:
    """Add a kind of vehicle, or change all of it; and whether it is new. One that was retired is back."""
    _one_at_a_time(session)
    kind = session.get(VehicleType, draft.slug)
    before = None if kind is None else _type_content(kind)
    kind = kind or VehicleType(slug=draft.slug)
    kind.name, kind.base_price, kind.rank = draft.name, draft.base_price, draft.rank
    kind.services = [each.value for each in draft.services]
    kind.weight_kg, kind.seats = draft.weight_kg, draft.seats
    kind.retired_at = None
    session.add(kind)
    session.flush()
    now = _type_content(kind)
    if before != now:
        verb = "vehicle_type.changed" if before else "vehicle_type.created"
        audit.record(session, actor, verb, subject=("vehicle_type", kind.slug), at=at, before=before, now=now)
    return kind, before is None


def retire_type(session: Session, slug: str, *, actor: Actor, at: datetime) -> None:
    """Nobody orders for this kind any more; orders that name it stay what they are."""
    _one_at_a_time(session)
    kind = session.get(VehicleType, slug)
    if kind is None or kind.retired_at is not None:
        raise NotFound("there is no such kind of vehicle")
    kind.retired_at = at
    audit.record(session, actor, "vehicle_type.retired", subject=("vehicle_type", slug), at=at)


def _one_at_a_time(session: Session) -> None:
    """Two changes that are each right may contradict each other."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('price lists'))"))


def _check(session: Session, draft: TariffDraft, *, apart_from: int | None) -> None:
    wrong = {}
    if draft.region is not None:
        regions = session.scalars(select(Region.slug).order_by(Region.slug)).all()
        if draft.region not in regions:
            wrong["region"] = f"there is no region {draft.region}; there are {', '.join(regions[:20])}"
    if find_zone(draft.timezone) is None:
        wrong["timezone"] = "must be a time zone, such as Asia/Tashkent"
    slugs = [addon.slug for addon in draft.addons]
    if len(set(slugs)) < len(slugs):
        wrong["addons"] = "must each have a slug of its own"
    if wrong:
        raise WrongFields(wrong)
    others = session.scalars(select(Tariff).where(Tariff.id.is_distinct_from(apart_from))).all()
    if any((other.service, other.region) == (draft.service, draft.region) for other in others):
        where = draft.region or "wherever no other is"
        raise PlaceTaken(f"there is a tariff for {draft.service} in {where} already: change that one")
    if currencies := {other.currency for other in others} - {draft.currency}:
        raise OtherCurrency(
            f"the other tariffs and the prices of vehicles are in {', '.join(sorted(currencies))};"
            " a house has one currency"
        )


def _fill(tariff: Tariff, draft: TariffDraft, *, at: datetime) -> None:
    for name in TariffDraft.__dataclass_fields__:
        setattr(tariff, name, getattr(draft, name))
    tariff.addons = [asdict(addon) for addon in draft.addons]
    tariff.changed_at = at


def _named(tariff: Tariff) -> tuple[str, object]:
    return "tariff", tariff.id


def _content(tariff: Tariff) -> Mapping[str, Any]:
    said = {name: getattr(tariff, name) for name in TariffDraft.__dataclass_fields__}
    night = {name: said[name].isoformat() for name in ("night_from", "night_until")}
    return said | night | {"service": tariff.service.value}


def _type_content(kind: VehicleType) -> Mapping[str, Any]:
    said = {name: getattr(kind, name) for name in TypeDraft.__dataclass_fields__}
    return said | {"retired": kind.retired_at is not None}
