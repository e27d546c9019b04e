"""Devices as the documented contract writes them, and their way to the broker."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from api.accounts.phones import Phone
from api.devices import rules
from api.devices.claims import read_code
from api.devices.rules import Seen
from api.devices.service import UID_EXPECTED, read_sim_number
from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Documented, Own, Storable
from broker.topics import is_uid
from db.models import Device
from db.states import DeviceKind

_DAY_S = 86_400


def _check_uid(text: str) -> str:
    if not is_uid(text):
        raise ValueError(UID_EXPECTED)
    return text


def _check_code(text: str) -> str:
    read_code(text)
    return text


DeviceUid = Annotated[str, AfterValidator(_check_uid), Field(examples=["watch_unique_serial_001"])]


class DeviceRegistration(Documented):
    """A device that its owner holds in hand."""

    device_uid: DeviceUid
    model: Annotated[str, Field(max_length=100, examples=["T-Watch 5"]), Storable] = ""
    kind: Annotated[DeviceKind, Field(description="a phone goes where its owner does")] = DeviceKind.WATCH


class DeviceFilter(Own):
    """Which devices to list; newest first."""

    kind: Annotated[list[DeviceKind], Field(default_factory=list)]
    presence: Annotated[list[Seen], Field(default_factory=list)]
    retired: bool = False
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class DeviceChange(Own):
    """What of a device is to be other; what is left out stays."""

    name: Annotated[str, Field(max_length=100), Storable] = ""
    model: Annotated[str, Field(max_length=100), Storable] = ""
    sim_number: Annotated[str, Field(max_length=40), AfterValidator(read_sim_number)] | None = None


class Transfer(Own):
    """Whose it shall be; without an overlap the login that it has ends at once."""

    phone: Phone
    overlap_s: Annotated[int | None, Field(ge=60, le=7 * _DAY_S)] = None


class Rotation(Own):
    """How long the old login goes on beside the new one; `stolen` ends it at once."""

    overlap_s: Annotated[int, Field(ge=60, le=30 * _DAY_S)] = 7 * _DAY_S
    stolen: bool = False


class Claim(Own):
    """The code that came with a device, typed or scanned."""

    code: Annotated[str, Field(max_length=64, examples=["7Q2M-X0F4-9KTB"]), AfterValidator(_check_code)]


class StatusReport(Documented):
    """What a phone tells of its watch; all of it is optional."""

    battery_level: Annotated[int | None, Field(ge=0, le=100, examples=[85])] = None
    is_online: Annotated[bool | None, Field(examples=[True])] = None
    lat: Annotated[float | None, Field(ge=-90, le=90, examples=[41.311081])] = None
    lon: Annotated[float | None, Field(ge=-180, le=180, examples=[69.240562])] = None
    last_seen_via: Annotated[str | None, Field(max_length=16, examples=["LTE"])] = None


class LocationReport(Documented):
    """A fix; read as a `pos` frame is."""

    lat: Annotated[float, Field(ge=-90, le=90, examples=[41.311081])]
    lon: Annotated[float, Field(ge=-180, le=180, examples=[69.240562])]
    speed: Annotated[float | None, Field(ge=0, le=400, examples=[5.5])] = None
    direction: Annotated[float | None, Field(ge=0, le=360, examples=[180.0])] = None
    battery_level: Annotated[int | None, Field(ge=0, le=100, examples=[84])] = None


class LocationRecorded(Answer):
    status: str = "location recorded"


class BrokerAccess(Answer):
    """How somebody reaches the broker. The password is shown only here."""

    username: str
    password: str
    client_id: str
    host: str
    port: int
    tls_port: int
    ws_port: int


class MqttAccess(BrokerAccess):
    """How the device reaches the broker. The password is shown only here; keep it on the device.

    `topics` is what its topics begin with, whatever the username. A device that says the number of its
    `login` in its status frames is known to have it.
    """

    topics: str
    login: int


class DeviceOut(Answer):
    """A device."""

    uuid: UUID
    device_uid: str
    model: str
    sim_number: str | None


class NewDeviceOut(DeviceOut):
    """A device just registered."""

    mqtt: MqttAccess


class OwnerRef(Answer):
    uuid: UUID
    full_name: str
    phone: str | None


class DeviceState(DeviceOut):
    """A device as it stands; `owner` is shown to desks."""

    name: str
    kind: DeviceKind
    owner: OwnerRef | None
    created_at: datetime
    retired_at: datetime | None
    presence: Seen
    is_online: bool
    last_seen_at: datetime | None
    last_seen_ago_s: int | None
    last_seen_via: str | None
    battery_level: int | None
    battery_at: datetime | None
    lat: float | None
    lon: float | None
    position_at: datetime | None


class Transferred(DeviceState):
    """A device in other hands, and until when the login that it had works; null: it has ended."""

    old_until: datetime | None


def device_state(device: Device, *, for_desk: bool, at: datetime) -> DeviceState:
    """The device as its owner sees it, or with its owner as a desk does.

    Where it was under another owner is shown to desks alone.
    """
    last, owner, config = device.last, device.owner, device.config
    patience = rules.patience(
        device.kind, config.rest_s if config else None, config.batch if config else None
    )
    presence = rules.seen(
        last.presence if last else None, last.last_seen_at if last else None, patience, at=at
    )
    since = None if for_desk else device.owned_since
    known = last if last and last.position_at and (since is None or last.position_at >= since) else None
    return DeviceState(
        uuid=device.uuid,
        device_uid=device.uid,
        model=device.model,
        sim_number=device.sim_number,
        name=device.name,
        kind=device.kind,
        owner=OwnerRef.model_validate(owner) if owner and for_desk else None,
        created_at=device.created_at,
        retired_at=device.retired_at,
        presence=presence,
        is_online=presence is Seen.ONLINE,
        last_seen_at=last.last_seen_at if last else None,
        last_seen_ago_s=ago_s(last.last_seen_at, at=at) if last else None,
        last_seen_via=last.last_seen_via if last else None,
        battery_level=last.battery_pct if last else None,
        battery_at=last.battery_at if last else None,
        lat=known.lat if known else None,
        lon=known.lon if known else None,
        position_at=known.position_at if known else None,
    )


def ago_s(moment: datetime | None, *, at: datetime) -> int | None:
    """How long ago, in whole seconds."""
    return None if moment is None else max(0, int((at - moment).total_seconds()))


class Rotated(Answer):
    """The new login, shown this once, and until when the old one works beside it."""

    mqtt: MqttAccess
    old_until: datetime | None


class StragglerFilter(Own):
    """A page of stragglers; who is cut off soonest comes first."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class StragglerOut(Answer):
    """A device that has not said that it uses its new login; `cut_off` when the old one has ended."""

    device_uid: str
    name: str
    old_until: datetime
    cut_off: bool
    last_seen_at: datetime | None
    last_seen_ago_s: int | None


class ClaimCode(Answer):
    """A code to print, as text and as what a square code shall say; shown this once."""

    device_uid: str
    claim_code: str
    claim_qr: str


class ProvisionedOut(Answer):
    """A new device's login, and where it has no owner the code that gives it one; shown this once."""

    device_uid: str
    username: str
    password: str
    client_id: str
    claim_code: str | None
    claim_qr: str | None
