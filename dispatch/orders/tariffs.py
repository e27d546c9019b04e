"""What services cost where, and the kinds of vehicles: written by admins, read with each quote."""

from collections.abc import Collection

from sqlalchemy import not_, or_, select
from sqlalchemy.orm import Session

from db.models import Region, Tariff, VehicleType
from db.states import Service
from dispatch.errors import Conflict, WrongFields
from dispatch.orders.pricing import Addon, Rates


class NoTariff(Conflict):
    """Nobody has said yet what this costs there."""

    code = "no_tariff"


def find_tariff(session: Session, service: Service, region: str) -> Tariff:
    """What a service costs in a region: its own tariff, or that of what it lies in, or that of everywhere."""
    of_service = {
        tariff.region: tariff for tariff in session.scalars(select(Tariff).where(Tariff.service == service))
    }
    for slug in (*_upwards(session, region), None):
        if slug in of_service:
            return of_service[slug]
    raise NoTariff(f"no tariff for {service} in the region {region}: an admin makes one at /api/v1/tariffs/")


def find_type(session: Session, service: Service, slug: str | None, *, seats: int) -> VehicleType | None:
    """The kind of vehicle that is meant: who names none means the first that has room for them."""
    of_service = select(VehicleType).where(
        VehicleType.services.contains([service.value]), VehicleType.retired_at.is_(None)
    )
    if slug is None:
        has_room = or_(VehicleType.seats.is_(None), VehicleType.seats >= seats)
        first = of_service.order_by(not_(has_room), VehicleType.rank, VehicleType.slug).limit(1)
        found = session.scalar(first)
    else:
        found = session.scalar(of_service.where(VehicleType.slug == slug))
        if found is None:
            known = "see /api/v1/vehicle-types/"
            raise WrongFields({"vehicle_type": f"is no kind of vehicle for {service}; {known}"})
    if found is not None and found.seats is not None and found.seats < seats:
        raise WrongFields({"seats": f"are more than the {found.seats} of {found.name}; order a second one"})
    return found


def rates_of(tariff: Tariff, kind: VehicleType | None) -> Rates:
    """The numbers a price is made of."""
    return Rates(
        tariff_id=tariff.id,
        service=tariff.service.value,
        vehicle_type=None if kind is None else kind.slug,
        vehicle_name="" if kind is None else kind.name,
        currency=tariff.currency,
        callout=0 if kind is None else kind.base_price,
        minimum=tariff.minimum,
        included_m=tariff.included_m,
        per_km=tariff.per_km,
        night_pct=tariff.night_pct,
        night_from=tariff.night_from,
        night_until=tariff.night_until,
        timezone=tariff.timezone,
        free_wait_s=tariff.free_wait_s,
        per_wait_min=tariff.per_wait_min,
        cancel_pct=tariff.cancel_pct,
        no_show_pct=tariff.no_show_pct,
    )


def pick_addons(tariff: Tariff, slugs: Collection[str]) -> list[Addon]:
    """The add-ons that these name, in the tariff's order."""
    offered = [Addon(**addon) for addon in tariff.addons]
    if unknown := set(slugs) - {addon.slug for addon in offered}:
        known = ", ".join(addon.slug for addon in offered) or "none"
        raise WrongFields({"addons": f"{', '.join(sorted(unknown))} cannot be had here; what can: {known}"})
    return [addon for addon in offered if addon.slug in slugs]


def _upwards(session: Session, slug: str) -> list[str]:
    """The region and all that it lies in, from the inside out."""
    way = []
    found = session.scalar(select(Region).where(Region.slug == slug))
    while found is not None and found.slug not in way:
        way.append(found.slug)
        found = session.get(Region, found.parent_id) if found.parent_id else None
    return way
