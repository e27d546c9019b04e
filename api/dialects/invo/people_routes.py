"""Invo's drivers and passengers."""

from fastapi import APIRouter
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.deps import Caller, Now, ReadSession, WriteSession
from api.dialects.invo.order_schemas import InvoDriverOut, InvoOnline, InvoPassengerOut, InvoPlace
from api.fleet import service as fleet
from api.fleet.service import InPerson
from api.schemas import RowId
from db import places
from db.models import Order
from db.states import Role, Service
from dispatch.errors import Forbidden, NotFound
from dispatch.fleet import passengers
from dispatch.orders.rules import TAKEN

router = APIRouter(tags=["invo"])

_MOST_DRIVERS = 200


@router.get("/drivers/", response_model=list[InvoDriverOut])
def list_drivers(caller: Caller, session: ReadSession) -> list[InvoDriverOut]:
    """Drivers of rides who can be asked now, by first name; a desk sees all who drive rides. At most 200."""
    if caller.is_desk:
        every = fleet.list_drivers(session, service=Service.RIDE, limit=_MOST_DRIVERS)
        return [InvoDriverOut.of(each, whole=True) for each in every]
    ready = fleet.list_available(session, [Service.RIDE], limit=_MOST_DRIVERS)
    return [InvoDriverOut.of(each, whole=each.user.id == caller.id) for each in ready]


@router.get("/drivers/{driver_id}/", response_model=InvoDriverOut)
def show_driver(driver_id: RowId, caller: Caller, session: ReadSession) -> InvoDriverOut:
    """One driver: to whom they come with their number, to anybody else only while they can be asked."""
    person = fleet.get_driver(session, driver_id)
    whole = driver_id == caller.id or caller.is_desk
    comes = _comes_to(session, driver_id, caller)
    if not (whole or comes or fleet.is_available(session, driver_id, [Service.RIDE])):
        raise NotFound("there is no such driver")
    shown = InvoDriverOut.of(person, whole=whole)
    return shown.model_copy(update={"phone": person.user.phone}) if comes else shown


@router.patch("/drivers/{driver_id}/location/", response_model=InvoDriverOut)
def move_driver(
    driver_id: RowId, body: InvoPlace, caller: Caller, session: WriteSession, at: Now
) -> InvoDriverOut:
    """Say where one is, as a driver."""
    _require_self(driver_id, caller)
    places.move(session, driver_id, lat=body.lat, lon=body.lon, at=at)
    return InvoDriverOut.of(_person(session, driver_id), whole=True)


@router.patch("/drivers/{driver_id}/online-status/", response_model=InvoDriverOut)
def set_online(
    driver_id: RowId, body: InvoOnline, caller: Caller, session: WriteSession, at: Now
) -> InvoDriverOut:
    """Begin or end one's shift; 409 `licence_expired` where the licence is over."""
    _require_self(driver_id, caller)
    fleet.set_online(session, driver_id, body.is_online, at=at)
    return InvoDriverOut.of(_person(session, driver_id), whole=True)


@router.get("/passengers/{passenger_id}/", response_model=InvoPassengerOut)
def show_passenger(passenger_id: RowId, caller: Caller, session: ReadSession) -> InvoPassengerOut:
    """A passenger: for that passenger and for desks; a driver sees what is needed on the order."""
    if passenger_id != caller.id and not caller.is_desk:
        raise NotFound("there is no such passenger")
    person = fleet.get_person(session, passenger_id)
    return InvoPassengerOut.of(person.user, passengers.find_profile(session, passenger_id))


def _person(session: Session, driver_id: int) -> InPerson:
    session.flush()
    return fleet.get_driver(session, driver_id)


def _comes_to(session: Session, driver_id: int, caller: Person) -> bool:
    theirs = (Order.driver_id == driver_id, Order.customer_id == caller.id, Order.state.in_(TAKEN))
    return bool(session.scalar(select(exists().where(*theirs))))


def _require_self(driver_id: int, caller: Person) -> None:
    if not caller.has(Role.DRIVER):
        raise Forbidden(f"this needs the role {Role.DRIVER}")
    if driver_id != caller.id:
        raise NotFound("there is no such driver; yours is the number that your login showed")
