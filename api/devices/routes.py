"""Devices of one's own: registering, seeing and changing them, and telling what they say."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, status
from pydantic import BaseModel
from sqlalchemy import true

from api import paging
from api.accounts.service import Person
from api.deps import Acting, Caller, Now, RawBody, ReadSession, Settings, WriteSession
from api.devices import care, queries, reports, service
from api.devices.access import mqtt_access
from api.devices.rights import seen_by
from api.devices.schemas import (
    DeviceChange,
    DeviceFilter,
    DeviceRegistration,
    DeviceState,
    DeviceUid,
    LocationRecorded,
    LocationReport,
    NewDeviceOut,
    StatusReport,
    Transfer,
    Transferred,
    device_state,
)
from api.idempotency import Once
from api.paging import Page
from db.models import Device

router = APIRouter(prefix="/devices", tags=["devices"])


def _read_as_a_frame(like: type[BaseModel]) -> dict[str, Any]:
    # The body is read as a frame is, with all the names a field has.
    content = {"application/json": {"schema": like.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=NewDeviceOut)
def register(
    body: DeviceRegistration,
    caller: Caller,
    once: Once,
    session: WriteSession,
    settings: Settings,
    request: Request,
) -> NewDeviceOut:
    """Register a device of one's own; the answer holds its broker login, this once."""
    device, secret = service.register_device(
        session, caller.id, uid=body.device_uid, model=body.model, kind=body.kind
    )
    mqtt = mqtt_access(device, service.get_credential(session, device.uid), secret, settings, request)
    return once.keep(
        NewDeviceOut(
            uuid=device.uuid,
            device_uid=device.uid,
            model=device.model,
            sim_number=device.sim_number,
            mqtt=mqtt,
        )
    )


@router.get("/", response_model=Page[DeviceState])
def list_devices(
    wanted: Annotated[DeviceFilter, Query()], caller: Caller, session: ReadSession, at: Now
) -> Page[DeviceState]:
    """Newest first; a desk sees all with their owners, anybody else their own."""
    found = queries.list_devices(
        session,
        seen_by=seen_by(caller),
        at=at,
        kinds=wanted.kind,
        presences=wanted.presence,
        retired=wanted.retired,
        before=paging.read_cursor(wanted.cursor, int),
        limit=wanted.limit + 1,
    )
    rows, more = paging.cut(found, wanted.limit, _cursor)
    return Page(items=[device_state(row, for_desk=caller.is_desk, at=at) for row in rows], next=more)


@router.get("/{uid}/", response_model=DeviceState)
def show_device(uid: DeviceUid, caller: Caller, session: ReadSession, at: Now) -> DeviceState:
    """One device as it stands."""
    return _as_it_stands(session, uid, caller, at)


@router.patch("/{uid}/", response_model=DeviceState)
def change_device(
    uid: DeviceUid, body: DeviceChange, caller: Caller, actor: Acting, session: WriteSession, at: Now
) -> DeviceState:
    """Name a device, or correct what is known of it."""
    changes = body.model_dump(exclude_unset=True)
    care.change_device(session, uid, caller=caller, actor=actor, changes=changes, at=at)
    return _as_it_stands(session, uid, caller, at)


@router.post("/{uid}/retire/", response_model=DeviceState)
def retire_device(
    uid: DeviceUid, caller: Caller, actor: Acting, session: WriteSession, at: Now
) -> DeviceState:
    """Take a device out of use for good: its login ends, an open call for help does not."""
    care.retire_device(session, uid, caller=caller, actor=actor, at=at)
    return _as_it_stands(session, uid, caller, at)


@router.post("/{uid}/transfer/", response_model=Transferred)
def transfer_device(
    uid: DeviceUid,
    body: Transfer,
    caller: Caller,
    actor: Acting,
    once: Once,
    session: WriteSession,
    at: Now,
) -> Transferred:
    """Give a device to another person, who rotates its login to get one; that which it has ends.

    It ends now, or after the overlap. Refused while a call for help of the device is open.
    """
    overlap = None if body.overlap_s is None else timedelta(seconds=body.overlap_s)
    old_until = care.transfer_device(
        session, uid, caller=caller, actor=actor, phone=body.phone, overlap=overlap, at=at
    )
    given = queries.get_device(session, uid, seen_by=true())  # it may be the caller's no more
    state = device_state(given, for_desk=caller.is_desk, at=at)
    return once.keep(Transferred(old_until=old_until, **dict(state)))


@router.patch(
    "/{device_uid}/status/", response_model=DeviceState, openapi_extra=_read_as_a_frame(StatusReport)
)
def report_status(
    device_uid: DeviceUid, body: RawBody, caller: Caller, session: WriteSession, at: Now
) -> DeviceState:
    """Tell how a device of one's own is; what is left out stays as it was."""
    said = reports.read_body(body)
    reports.take_status(session, device_uid, caller=caller, said=said, at=at)
    return _as_it_stands(session, device_uid, caller, at)


@router.post(
    "/{device_uid}/location/",
    status_code=status.HTTP_201_CREATED,
    response_model=LocationRecorded,
    openapi_extra=_read_as_a_frame(LocationReport),
)
def report_location(
    device_uid: DeviceUid, body: RawBody, caller: Caller, session: WriteSession, at: Now
) -> LocationRecorded:
    """Tell where a device of one's own is."""
    said = reports.read_body(body)
    reports.take_location(session, device_uid, caller=caller, said=said, at=at)
    return LocationRecorded()


def _as_it_stands(session: ReadSession, uid: str, caller: Person, at: Now) -> DeviceState:
    device = queries.get_device(session, uid, seen_by=seen_by(caller))
    return device_state(device, for_desk=caller.is_desk, at=at)


def _cursor(device: Device) -> str:
    return paging.write_cursor(device.created_at, device.id)
