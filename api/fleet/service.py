"""Drivers and where people are; which dialect asked makes no difference here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from db.models import Driver, LastPlace, Order, Shift, User, UserRole, Vehicle
from db.states import Role, Service, UserStatus
from dispatch.errors import NotFound
from dispatch.fleet import shifts
from dispatch.fleet.profiles import Licence, write_licence
from dispatch.fleet.rules import Ended
from dispatch.orders.rules import TAKEN


@dataclass(frozen=True, slots=True)
class InPerson:
    """A person whole: account, driver's profile, last place, shift and order, where there is one."""

    user: User
    driver: Driver | None = None
    place: LastPlace | None = None
    shift: Shift | None = None
    order_id: int | None = None

    @property
    def vehicles(self) -> list[Vehicle]:
        """What the driver may come with, the newest last."""
        return [each for each in self.driver.vehicles if each.retired_at is None] if self.driver else []

    @property
    def vehicle(self) -> Vehicle | None:
        """What the driver comes with: that of the shift, else the newest."""
        kept = self.vehicles
        of_shift = self.shift.vehicle_id if self.shift else None
        return next((each for each in kept if each.id == of_shift), kept[-1] if kept else None)


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
        write_licence(driver, licence)
    if vehicle_type is not None:
        driver.vehicles.append(Vehicle(type=vehicle_type, registration=registration))
    session.add(driver)
    session.flush()
    return driver


def set_online(session: Session, user_id: int, online: bool, *, at: datetime) -> None:
    """Begin or end a driver's shift; said twice, it is the same."""
    if online:
        shifts.start(session, user_id, at=at)
    else:
        shifts.end(session, user_id, why=Ended.OFFLINE, at=at)


def get_person(session: Session, user_id: int) -> InPerson:
    """One person with all of it."""
    found = _people(session, [user_id])
    if not found:
        raise NotFound("there is no such person")
    return found[0]


def get_driver(session: Session, driver_id: int) -> InPerson:
    """A driver with all of it; who holds the role and told nothing yet is one as well."""
    found = _people(session, [driver_id])
    if not found or not is_driver(found[0].user):
        raise NotFound("there is no such driver")
    return found[0]


def is_driver(user: User) -> bool:
    """Whether somebody holds the role; `granted` must be loaded."""
    return any(each.role is Role.DRIVER for each in user.granted)


def list_drivers(
    session: Session,
    *,
    online: bool | None = None,
    service: Service | None = None,
    search: str | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> list[InPerson]:
    """All who hold the role, the newest first; `search` is part of a name, a phone number or a plate."""
    wanted = (
        select(User.id)
        .outerjoin(Driver, Driver.user_id == User.id)
        .where(User.granted.any(UserRole.role == Role.DRIVER))
    )
    if online is not None:
        wanted = wanted.where(func.coalesce(Driver.online, false()) == online)
    if service is not None:
        wanted = wanted.where(Driver.services.contains([service.value]))
    if search:
        has_plate = Driver.vehicles.any(Vehicle.registration.icontains(search, autoescape=True))
        names = (field.icontains(search, autoescape=True) for field in (User.full_name, User.phone))
        wanted = wanted.where(or_(*names, has_plate))
    if before is not None:
        wanted = wanted.where(tuple_(User.created_at, User.id) < before)
    newest_first = wanted.order_by(User.created_at.desc(), User.id.desc()).limit(limit)
    return _people(session, session.scalars(newest_first).all())


def can_be_asked() -> ColumnElement[bool]:
    """Whether somebody is a driver and ready, in a query that joins users with drivers."""
    drives = User.granted.any(UserRole.role == Role.DRIVER)
    return and_(Driver.online, User.status == UserStatus.ACTIVE, drives)


def list_available(session: Session, services: Sequence[Service], *, limit: int) -> list[InPerson]:
    """Drivers who can be asked for one of these services and are not out, the newest place first."""
    ready = (
        _available(services)
        .outerjoin(LastPlace, LastPlace.user_id == Driver.user_id)
        .order_by(LastPlace.at.desc().nulls_last(), Driver.user_id)
        .limit(limit)
    )
    return _people(session, session.scalars(ready).all())


def is_available(session: Session, driver_id: int, services: Sequence[Service]) -> bool:
    """Whether a driver is one of those."""
    found = session.scalar(_available(services).where(Driver.user_id == driver_id))
    return found is not None


def _available(services: Sequence[Service]) -> Select[int]:
    is_out = exists().where(Order.driver_id == Driver.user_id, Order.state.in_(TAKEN))
    does_one = Driver.services.overlap([each.value for each in services])
    return (
        select(Driver.user_id).join(User, User.id == Driver.user_id).where(can_be_asked(), does_one, ~is_out)
    )


def _people(session: Session, ids: Sequence[int]) -> list[InPerson]:
    taken = and_(Order.driver_id == User.id, Order.state.in_(TAKEN))
    rows = session.execute(
        select(User, Driver, LastPlace, Shift, Order.id.label("order_id"))
        .outerjoin(Driver, Driver.user_id == User.id)
        .outerjoin(LastPlace, LastPlace.user_id == User.id)
        .outerjoin(Shift, and_(Shift.driver_id == User.id, Shift.ended_at.is_(None)))
        .outerjoin(Order, taken)
        .where(User.id.in_(ids))
        .options(selectinload(User.granted), selectinload(Driver.vehicles))
        .execution_options(populate_existing=True)
    )
    found = {
        user.id: InPerson(user, driver, place, shift, order_id)
        for user, driver, place, shift, order_id in rows
    }
    return [found[each] for each in ids if each in found]
