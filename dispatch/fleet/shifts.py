"""When drivers can be asked: starting and ending shifts; nothing else writes whether a driver is online."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db import bell, outbox
from db.models import Driver, Shift, User, Vehicle
from dispatch import telling
from dispatch.errors import NotFound
from dispatch.fleet import rules
from dispatch.fleet.rules import Ended
from dispatch.orders import offers

_STILL_OF_USE = timedelta(days=1)
"""How long it matters to a driver what became of the licence."""


def start(session: Session, driver_id: int, *, vehicle_id: int | None = None, at: datetime) -> Shift:
    """Be ready to be asked, with this vehicle or with the newest; said again, the shift goes on."""
    driver = lock_driver(session, driver_id)
    rules.check_licence(driver.licence_expires_on, at=at)
    going_on = find_open(session, driver_id)
    if going_on is not None and vehicle_id in (None, going_on.vehicle_id):
        return going_on
    vehicle = _find_vehicle(session, driver_id, vehicle_id)
    if going_on is not None:
        _close(session, going_on, why=Ended.OTHER_VEHICLE, ended_at=at)
    shift = Shift(driver_id=driver_id, vehicle_id=vehicle.id if vehicle else None, started_at=at)
    session.add(shift)
    driver.online = True
    session.flush()
    bell.ring(session, outbox.ORDERS)  # somebody may wait for this driver
    if rules.expires_soon(driver.licence_expires_on, at=at):
        _tell(session, driver, "shift.licence_soon", at=at)
    return shift


def end(
    session: Session, driver_id: int, *, why: str, at: datetime, ended_at: datetime | None = None
) -> Shift | None:
    """Be asked no more: an open offer goes to the next, an order on hand goes on. Said again, it is the same.

    `ended_at` is when it was over, where that was before it was noticed.
    """
    offers.let_go(session, driver_id, why=why, at=at)  # orders and offers are held before their driver
    driver = lock_driver(session, driver_id)
    going_on = find_open(session, driver_id)
    if going_on is not None:
        _close(session, going_on, why=why, ended_at=ended_at or at)
        if why == Ended.LICENCE_EXPIRED:
            _tell(session, driver, "shift.licence_expired", at=at)
    driver.online = False
    session.flush()
    return going_on


def find_open(session: Session, driver_id: int) -> Shift | None:
    """The shift that goes on."""
    return session.scalar(select(Shift).where(Shift.driver_id == driver_id, Shift.ended_at.is_(None)))


def list_shifts(
    session: Session, driver_id: int, *, before: tuple[datetime, int] | None = None, limit: int = 50
) -> Sequence[Shift]:
    """A driver's shifts, the newest first."""
    own = select(Shift).where(Shift.driver_id == driver_id)
    if before is not None:
        own = own.where(tuple_(Shift.started_at, Shift.id) < before)
    return session.scalars(own.order_by(Shift.started_at.desc(), Shift.id.desc()).limit(limit)).all()


def list_between(session: Session, driver_id: int, *, since: datetime, until: datetime) -> Sequence[Shift]:
    """The shifts of which any part lies between two times."""
    return session.scalars(
        select(Shift).where(
            Shift.driver_id == driver_id,
            Shift.started_at < until,
            or_(Shift.ended_at.is_(None), Shift.ended_at > since),
        )
    ).all()


def sum_hours(present: Sequence[Shift], *, since: datetime, until: datetime) -> float:
    """How many hours of these shifts lie between two times."""
    return sum(
        rules.hours_within(shift.started_at, shift.ended_at, since=since, until=until) for shift in present
    )


def lock_driver(session: Session, driver_id: int) -> Driver:
    """A driver's row, held until the transaction ends; who told nothing yet is given one."""
    session.execute(insert(Driver).values(user_id=driver_id, services=[]).on_conflict_do_nothing())
    held = select(Driver).where(Driver.user_id == driver_id).with_for_update(of=Driver, key_share=True)
    return session.scalars(held, execution_options={"populate_existing": True}).one()


def _find_vehicle(session: Session, driver_id: int, vehicle_id: int | None) -> Vehicle | None:
    own = select(Vehicle).where(Vehicle.driver_id == driver_id, Vehicle.retired_at.is_(None))
    if vehicle_id is None:
        return session.scalar(own.order_by(Vehicle.id.desc()).limit(1))
    vehicle = session.scalar(own.where(Vehicle.id == vehicle_id))
    if vehicle is None:
        raise NotFound(f"you have no vehicle {vehicle_id}")
    return vehicle


def _close(session: Session, shift: Shift, *, why: str, ended_at: datetime) -> None:
    shift.ended_at, shift.why_ended = max(ended_at, shift.started_at), why
    session.flush()


def _tell(session: Session, driver: Driver, text: str, *, at: datetime) -> None:
    """Have a driver told of the licence, once for each licence."""
    expires_on = str(driver.licence_expires_on)
    person = session.get_one(User, driver.user_id)
    key = f"{text} {expires_on}"
    telling.tell(session, person, text, key=key, until_at=at + _STILL_OF_USE, at=at, date=expires_on)
