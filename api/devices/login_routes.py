"""Logins of devices: claiming one with its code, and renewing its secret."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, status

from api import paging
from api.deps import Acting, Address, Admin, Caller, ClaimTries, Now, ReadSession, Settings, WriteSession
from api.devices import claims, logins, queries
from api.devices.access import mqtt_access
from api.devices.logins import Straggler
from api.devices.rights import owned_by, seen_by
from api.devices.schemas import (
    Claim,
    ClaimCode,
    DeviceState,
    DeviceUid,
    Rotated,
    Rotation,
    StragglerFilter,
    StragglerOut,
    ago_s,
    device_state,
)
from api.idempotency import Once
from api.paging import Page

router = APIRouter(prefix="/devices", tags=["devices"])


@router.get("/stragglers/", response_model=Page[StragglerOut])
def list_stragglers(
    wanted: Annotated[StragglerFilter, Query()], caller: Caller, session: ReadSession, at: Now
) -> Page[StragglerOut]:
    """Devices that have not said that they use their new login, and when they were last heard."""
    found = logins.list_stragglers(
        session,
        seen_by=seen_by(caller),
        after=paging.read_cursor(wanted.cursor, int),
        limit=wanted.limit + 1,
    )
    rows, more = paging.cut(found, wanted.limit, _cursor)
    items = [
        StragglerOut(
            device_uid=row.device.uid,
            name=row.device.name,
            old_until=row.until,
            cut_off=row.until <= at,
            last_seen_at=row.last_seen_at,
            last_seen_ago_s=ago_s(row.last_seen_at, at=at),
        )
        for row in rows
    ]
    return Page(items=items, next=more)


@router.post("/claim/", response_model=DeviceState)
def claim(
    body: Claim,
    caller: Caller,
    session: WriteSession,
    settings: Settings,
    tries: ClaimTries,
    address: Address,
    at: Now,
) -> DeviceState:
    """Become the owner of the device that this code came with."""
    account = str(caller.uuid)
    tries.spend(account, address, at=at)
    device = claims.claim(session, body.code, caller=caller, key=settings.derive(claims.KEY), at=at)
    tries.forgive(account, address, at=at)
    claimed = queries.get_device(session, device.uid, seen_by=owned_by(caller))
    return device_state(claimed, for_desk=caller.is_desk, at=at)


@router.post("/{uid}/claim-code/", status_code=status.HTTP_201_CREATED, response_model=ClaimCode)
def reissue_code(
    uid: DeviceUid,
    admin: Admin,
    actor: Acting,
    once: Once,
    session: WriteSession,
    settings: Settings,
    at: Now,
) -> ClaimCode:
    """A new code for a device that nobody owns; the last one is void."""
    key = settings.derive(claims.KEY)
    code = claims.reissue(session, uid, caller=admin, actor=actor, key=key, at=at)
    return once.keep(ClaimCode(device_uid=uid, claim_code=code, claim_qr=claims.qr_text(code)))


@router.post("/{uid}/rotate/", response_model=Rotated)
def rotate(
    uid: DeviceUid,
    body: Rotation,
    caller: Caller,
    actor: Acting,
    once: Once,
    session: WriteSession,
    settings: Settings,
    request: Request,
    at: Now,
) -> Rotated:
    """A new login for a device, shown this once; the old one goes on until the overlap ends."""
    overlap = None if body.stolen else timedelta(seconds=body.overlap_s)
    rotated = logins.rotate(session, uid, caller=caller, actor=actor, overlap=overlap, at=at)
    device = queries.get_device(session, uid, seen_by=seen_by(caller))
    mqtt = mqtt_access(device, rotated.credential, rotated.secret, settings, request)
    return once.keep(Rotated(mqtt=mqtt, old_until=rotated.old_until))


def _cursor(row: Straggler) -> str:
    return paging.write_cursor(row.until, row.device.id)
