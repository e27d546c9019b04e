"""Drivers and where people are; which dialect asked makes no difference here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload

from db.models import Driver, LastPlace, User, UserRole, Vehicle
from db.states import Role, Service, UserStatus


@dataclass(frozen=True, slots=True)
class Licence:
    """What a driver may drive, and until when."""

    category: str
    number: str
    expires_on: date


@dataclass(frozen=True, slots=True)
class InPerson:
    """A person whole: account, driver's profile and last place, where there is one."""

    user: User
    driver: Driver | None = None
    place: LastPlace | None = None

    @property
    def vehicle(self) -> Vehicle | None:
        """What the driver comes with; of several, the newest."""
        return self.driver.vehicles[-1] if self.driver and self.driver.vehicles else None


def enrol_driver(
    session: Session,
    user_id: int,
    *,
    services: Sequence[Service] = (),
    licence: Licence | None = None,
    vehicle_type: str | None = None,
    registration: str | None = None,
) -> Driver:
    """The profile of somebody who has just been given the role of a driver."""
    driver = Driver(user_id=user_id, services=[each.value for each in services], vehicles=[])
    if licence is not None:
        driver.licence_category = licence.category
        driver.licence_number = licence.number
        driver.licence_expires_on = licence.expires_on
    if vehicle_type is not None:
        driver.vehicles.append(Vehicle(type=vehicle_type, registration=registration))
    session.add(driver)
    session.flush()
    return driver


def set_online(session: Session, user_id: int, online: bool) -> None:
    """Say whether a driver can be asked; said twice, it is the same."""
    session.execute(
        insert(Driver)
        .values(user_id=user_id, services=[], online=online)
        .on_conflict_do_update(index_elements=[Driver.user_id], set_={"online": online})
    )


def get_person(session: Session, user_id: int) -> InPerson:
    """One person with all of it."""
    (person,) = _people(session, [user_id])
    return person


def can_be_asked() -> ColumnElement[bool]:
    """Whether somebody is a driver and ready, in a query that joins users with drivers."""
    drives = User.granted.any(UserRole.role == Role.DRIVER)
    return and_(Driver.online, User.status == UserStatus.ACTIVE, drives)


def list_available(session: Session, services: Sequence[Service], *, limit: int) -> list[InPerson]:
    """Drivers who can be asked for one of these services, the newest place first."""
    ready = session.scalars(
        select(Driver.user_id)
        .join(User, User.id == Driver.user_id)
        .outerjoin(LastPlace, LastPlace.user_id == Driver.user_id)
        .where(can_be_asked(), Driver.services.overlap([each.value for each in services]))
        .order_by(LastPlace.at.desc().nulls_last(), Driver.user_id)
        .limit(limit)
    ).all()
    return _people(session, ready)


def _people(session: Session, ids: Sequence[int]) -> list[InPerson]:
    rows = session.execute(
        select(User, Driver, LastPlace)
        .outerjoin(Driver, Driver.user_id == User.id)
        .outerjoin(LastPlace, LastPlace.user_id == User.id)
        .where(User.id.in_(ids))
        .options(selectinload(User.granted), selectinload(Driver.vehicles))
    )
    found = {user.id: InPerson(user, driver, place) for user, driver, place in rows}
    return [found[each] for each in ids if each in found]
