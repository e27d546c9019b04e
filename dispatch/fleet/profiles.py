"""What drivers say of themselves: what they do, where, and by which licence."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import bell, outbox
from db.models import Driver, Region
from db.states import Service
from dispatch.errors import WrongFields
from dispatch.fleet import shifts


@dataclass(frozen=True, slots=True)
class Licence:
    """What a driver may drive, and until when."""

    category: str
    number: str
    expires_on: date


def keep_profile(
    session: Session, driver_id: int, *, services: Collection[Service], regions: Collection[str] | None
) -> Driver:
    """Keep what a driver does and where, in place of what was said before; no regions are all of them."""
    wanted = None if regions is None else sorted(set(regions))
    if wanted:
        known = set(session.scalars(select(Region.slug).where(Region.slug.in_(wanted))))
        for unknown in sorted(set(wanted) - known):
            raise WrongFields({"regions": f"there is no region {unknown[:63]!r}"})
    driver = shifts.lock_driver(session, driver_id)
    driver.services = sorted({service.value for service in services})
    driver.regions = wanted
    session.flush()
    bell.ring(session, outbox.ORDERS)
    return driver


def keep_licence(session: Session, driver_id: int, licence: Licence, *, at: datetime) -> Driver:
    """Keep a licence in place of the one before; one that ends today is none to begin with."""
    if licence.expires_on <= at.date():
        raise WrongFields({"expires_on": "must be in the future"})
    driver = shifts.lock_driver(session, driver_id)
    write_licence(driver, licence)
    session.flush()
    return driver


def write_licence(driver: Driver, licence: Licence) -> None:
    """Put a licence onto a driver's row."""
    driver.licence_category = licence.category
    driver.licence_number = licence.number
    driver.licence_expires_on = licence.expires_on
