"""Asking devices for something over HTTP, and hearing what they replied."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import Field, model_validator
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, joinedload

from api import paging
from api.accounts.service import Person
from api.deps import Caller, Now, ReadSession, WriteSession
from api.devices import care, queries
from api.devices.rights import seen_by
from api.devices.schemas import DeviceUid
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from api.schemas import Answer, Own, Storable
from db.models import Device, DeviceCommand, DeviceConfig
from db.states import CommandKind
from dispatch import commands

router = APIRouter(prefix="/devices", tags=["devices"])

Seconds = Annotated[int, Field(ge=1, le=86_400)]

_TAKES = {
    CommandKind.LOCATE: set[str](),
    CommandKind.REPORT: {"every_s", "span_s"},
    CommandKind.RING: {"span_s"},
    CommandKind.MESSAGE: {"text"},
}
_NEEDS = {CommandKind.REPORT: "every_s", CommandKind.MESSAGE: "text"}


class CommandOrder(Own):
    """What a device is to do; `every_s` and `span_s` are for reports, `text` is for a message."""

    do: CommandKind
    every_s: Seconds | None = None
    span_s: Seconds | None = None
    text: Annotated[str, Field(min_length=1, max_length=120), Storable] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        said = {name for name in ("every_s", "span_s", "text") if getattr(self, name) is not None}
        if foreign := said - _TAKES[self.do]:
            raise ValueError(f"{', '.join(sorted(foreign))}: not known to {self.do}")
        if (needed := _NEEDS.get(self.do)) and needed not in said:
            raise ValueError(f"{needed}: needed by {self.do}")
        return self


class CommandOut(Answer):
    """What a device was asked to do, and its reply once there is one."""

    id: UUID
    do: CommandKind
    every_s: int | None
    span_s: int | None
    text: str | None
    asked_at: datetime
    asked_by: UUID | None  # none: the house itself, during a call for help
    replied_at: datetime | None
    ok: bool | None
    why: str | None


_SHARED = frozenset(CommandOut.model_fields) - {"id", "asked_by"}


class CommandFilter(Own):
    """A page of commands, newest first."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class Profile(Own):
    """Seconds between fixes at rest, on the move and in an SOS; samples a message. None: as it likes."""

    rest_s: Seconds | None = None
    move_s: Seconds | None = None
    alarm_s: Annotated[int, Field(ge=1, le=3_600)] | None = None
    batch: Annotated[int, Field(ge=1, le=200)] | None = None


class ProfileOut(Answer):
    """How a device is to report; the version grows with every change."""

    version: int
    rest_s: int | None
    move_s: int | None
    alarm_s: int | None
    batch: int | None
    changed_at: datetime


@router.post("/{uid}/commands/", status_code=status.HTTP_201_CREATED, response_model=CommandOut)
def ask(uid: DeviceUid, body: CommandOrder, caller: Caller, session: WriteSession, at: Now) -> CommandOut:
    """Ask a device to do something now; its reply closes what is answered here."""
    device = _get_in_use(session, uid, caller)
    said = body.model_dump(exclude={"do"})
    return _out(commands.ask(session, device.id, do=body.do, by=caller.id, at=at, **said), caller.uuid)


@router.get("/{uid}/commands/", response_model=Page[CommandOut])
def list_commands(
    uid: DeviceUid, wanted: Annotated[CommandFilter, Query()], caller: Caller, session: ReadSession
) -> Page[CommandOut]:
    """What a device was asked, newest first."""
    device = queries.get_device(session, uid, seen_by=seen_by(caller))
    before = paging.read_cursor(wanted.cursor, int)
    found = _newest(session, device.id, before=before, limit=wanted.limit + 1)
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.asked_at, row.id))
    return Page(items=[_out(row, row.asked_by.uuid if row.asked_by else None) for row in rows], next=more)


@router.put("/{uid}/config/", response_model=ProfileOut)
def configure(uid: DeviceUid, body: Profile, caller: Caller, session: WriteSession, at: Now) -> DeviceConfig:
    """How a device is to report from now on; it gets this when it connects, too."""
    device = care.lock_in_use(session, uid, caller=caller)
    return commands.configure(session, device, at=at, **body.model_dump())


def _get_in_use(session: Session, uid: str, caller: Person) -> Device:
    device = queries.get_device(session, uid, seen_by=seen_by(caller))
    if device.retired_at is not None:
        raise care.Retired(uid)
    return device


def _newest(
    session: Session, device_id: int, *, before: tuple[datetime, int] | None, limit: int
) -> Sequence[DeviceCommand]:
    wanted = (
        select(DeviceCommand)
        .where(DeviceCommand.device_id == device_id)
        .options(joinedload(DeviceCommand.asked_by))
    )
    if before is not None:
        wanted = wanted.where(tuple_(DeviceCommand.asked_at, DeviceCommand.id) < before)
    newest_first = wanted.order_by(DeviceCommand.asked_at.desc(), DeviceCommand.id.desc())
    return session.scalars(newest_first.limit(limit)).all()


def _out(command: DeviceCommand, asked_by: UUID | None) -> CommandOut:
    said = {name: getattr(command, name) for name in _SHARED}
    return CommandOut(id=command.uuid, asked_by=asked_by, **said)
