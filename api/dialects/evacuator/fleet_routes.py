"""Evacuator's tow trucks, and where they are."""

from fastapi import APIRouter

from api.deps import Caller, Driver, Now, ReadSession, WriteSession
from api.dialects.evacuator.fleet_schemas import LocationIn, LocationOut, MovedOut, TowTruckOut
from api.fleet import service as fleet
from db import places
from db.states import Service

router = APIRouter(tags=["evacuator"])

_MOST_TRUCKS = 200


@router.get("/tow-trucks/", response_model=list[TowTruckOut])
def list_tow_trucks(_: Caller, session: ReadSession, at: Now) -> list[TowTruckOut]:
    """Tow trucks that can be asked now, the newest location first; at most 200."""
    ready = fleet.list_available(session, [Service.TOW], limit=_MOST_TRUCKS)
    return [TowTruckOut.of(each, each.vehicle, at=at) for each in ready if each.vehicle is not None]


@router.post("/location/update/", response_model=MovedOut)
def update_location(body: LocationIn, caller: Driver, session: WriteSession, at: Now) -> MovedOut:
    """Say where one is, as a driver."""
    places.move(session, caller.id, lat=body.latitude, lon=body.longitude, at=at)
    return MovedOut(location=LocationOut.model_validate(body), updated_at=at)
