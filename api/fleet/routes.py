"""Being a driver: shifts, vehicles, licence, and what one is judged by; the desk sees each of them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, status

from api import paging
from api.deps import Acting, Caller, Dispatcher, Driver, Now, ReadSession, WriteSession
from api.fleet import service
from api.fleet.schemas import (
    DriverFilter,
    DriverOut,
    EarningsFilter,
    EarningsOut,
    FiguresFilter,
    FiguresOut,
    LedgerOut,
    LicenceIn,
    PeriodOut,
    ProfileIn,
    ShiftFilter,
    ShiftIn,
    ShiftOut,
    VehicleIn,
    VehicleOut,
)
from api.paging import Page
from api.schemas import RowId
from db import audit
from db.models import Shift, User, Vehicle
from db.states import Role
from dispatch.errors import Conflict, Forbidden, NotFound
from dispatch.fleet import earnings, ledger, profiles, shifts, statistics, vehicles
from dispatch.fleet.rules import Ended

router = APIRouter(prefix="/drivers", tags=["drivers"])

_USUAL = timedelta(days=30)


def _whose(driver: Literal["me"] | RowId, caller: Caller, session: ReadSession) -> int:
    """The driver that a path names: oneself, or anybody for those at a desk."""
    if driver == "me":
        if not caller.has(Role.DRIVER):
            raise Forbidden(f"this needs the role {Role.DRIVER}")
        return caller.id
    if driver != caller.id and not caller.is_desk:
        raise NotFound("there is no such driver")
    return service.get_driver(session, driver).user.id


Whose = Annotated[int, Depends(_whose)]


@router.get("/", response_model=Page[DriverOut])
def list_drivers(
    wanted: Annotated[DriverFilter, Query()], _: Dispatcher, session: ReadSession, at: Now
) -> Page[DriverOut]:
    """Find drivers, the newest first."""
    found = service.list_drivers(
        session,
        online=wanted.online,
        service=wanted.service,
        search=wanted.search,
        before=paging.read_cursor(wanted.cursor, int),
        limit=wanted.limit + 1,
    )
    people, more = paging.cut(
        found, wanted.limit, lambda one: paging.write_cursor(one.user.created_at, one.user.id)
    )
    return Page(items=[DriverOut.of(each, at=at) for each in people], next=more)


@router.put("/me/", response_model=DriverOut)
def put_profile(body: ProfileIn, caller: Driver, session: WriteSession, at: Now) -> DriverOut:
    """Say which services one drives for, and where."""
    profiles.keep_profile(session, caller.id, services=body.services, regions=body.regions)
    return DriverOut.of(service.get_driver(session, caller.id), at=at)


@router.put("/me/licence/", response_model=DriverOut)
def put_licence(body: LicenceIn, caller: Driver, session: WriteSession, at: Now) -> DriverOut:
    """Enter the licence; once it is over, the shift ends and none begins."""
    profiles.keep_licence(session, caller.id, body.licence(), at=at)
    return DriverOut.of(service.get_driver(session, caller.id), at=at)


@router.post("/me/vehicles/", status_code=status.HTTP_201_CREATED, response_model=VehicleOut)
def add_vehicle(body: VehicleIn, caller: Driver, session: WriteSession) -> Vehicle:
    """Add what one comes with."""
    return vehicles.add(session, caller.id, body.draft())


@router.put("/me/vehicles/{vehicle_id}/", response_model=VehicleOut)
def replace_vehicle(vehicle_id: RowId, body: VehicleIn, caller: Driver, session: WriteSession) -> Vehicle:
    """Say all of a vehicle anew."""
    return vehicles.change(session, caller.id, vehicle_id, body.draft())


@router.delete("/me/vehicles/{vehicle_id}/", status_code=status.HTTP_204_NO_CONTENT)
def retire_vehicle(vehicle_id: RowId, caller: Driver, session: WriteSession, at: Now) -> None:
    """Come with it no more; 409 `vehicle_in_use` during a shift or an order with it."""
    vehicles.retire(session, caller.id, vehicle_id, at=at)


@router.post("/me/shifts/", status_code=status.HTTP_201_CREATED, response_model=ShiftOut)
def start_shift(caller: Driver, session: WriteSession, at: Now, body: ShiftIn | None = None) -> Shift:
    """Be ready to be asked; 409 `licence_expired` where the licence is over. Said again, it goes on."""
    return shifts.start(session, caller.id, vehicle_id=(body or ShiftIn()).vehicle_id, at=at)


@router.get("/{driver}/", response_model=DriverOut)
def show_driver(whose: Whose, session: ReadSession, at: Now) -> DriverOut:
    """All of a driver as it stands."""
    return DriverOut.of(service.get_driver(session, whose), at=at)


@router.get("/{driver}/vehicles/", response_model=list[VehicleOut])
def list_vehicles(whose: Whose, session: ReadSession) -> Sequence[Vehicle]:
    """What they may come with, the newest last."""
    return vehicles.list_vehicles(session, whose)


@router.get("/{driver}/shifts/", response_model=Page[ShiftOut])
def list_shifts(
    wanted: Annotated[ShiftFilter, Query()], whose: Whose, session: ReadSession
) -> Page[ShiftOut]:
    """When they could be asked, the newest first."""
    found = shifts.list_shifts(
        session, whose, before=paging.read_cursor(wanted.cursor, int), limit=wanted.limit + 1
    )
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.started_at, row.id))
    return Page(items=[ShiftOut.model_validate(row) for row in rows], next=more)


@router.post("/{driver}/shifts/end/", response_model=ShiftOut)
def end_shift(whose: Whose, caller: Caller, actor: Acting, session: WriteSession, at: Now) -> Shift:
    """Be asked no more; an open offer goes to the next driver, an order on hand goes on.

    A desk may send somebody off, which is kept in the audit log.
    """
    own = whose == caller.id
    ended = shifts.end(session, whose, why=Ended.OFFLINE if own else Ended.DESK, at=at)
    if ended is None:
        raise Conflict("no shift goes on")
    if not own:
        sent_off = session.get_one(User, whose).uuid
        audit.record(session, actor, "shift.ended", subject=("user", sent_off), at=at)
    return ended


@router.get("/{driver}/ledger/", response_model=LedgerOut)
def show_ledger(whose: Whose, session: ReadSession, at: Now) -> LedgerOut:
    """What one was given in the last days and how much of it counts still, as matching reads it."""
    return LedgerOut.of(ledger.read(session, whose, at=at), at=at)


@router.get("/{driver}/earnings/", response_model=EarningsOut)
def show_earnings(
    wanted: Annotated[EarningsFilter, Query()], whose: Whose, session: ReadSession, at: Now
) -> EarningsOut:
    """What was earned, by day or by week."""
    since, until = wanted.span(at=at)
    periods = earnings.list_periods(
        session, whose, by=wanted.by, since=since, until=until, timezone=wanted.timezone, at=at
    )
    return EarningsOut(by=wanted.by, timezone=wanted.timezone, items=[PeriodOut.of(each) for each in periods])


@router.get("/{driver}/statistics/", response_model=FiguresOut)
def show_statistics(
    wanted: Annotated[FiguresFilter, Query()], whose: Whose, session: ReadSession, at: Now
) -> FiguresOut:
    """How one answers offers, and what became of the orders; of 30 days unless told."""
    until = wanted.until or at
    since = wanted.since or until - _USUAL
    counted = statistics.count(session, whose, since=since, until=until, at=at)
    return FiguresOut(since=since, until=until, **asdict(counted))
