"""Asking devices for something over HTTP, and hearing what they replied."""

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import Field, model_validator

from api import paging
from api.deps import Acting, Caller, Now, ReadSession, WriteSession
from api.devices import queries, rules, trail
from api.devices.rights import seen_by
from api.devices.rules import CommandState
from api.devices.schemas import DeviceUid
from api.idempotency import Once
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page
from api.schemas import Answer, Own, Storable
from db.models import DeviceCommand, DeviceConfig
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
    """What a device is to do; `every_s` and `span_s` are for reports, `text` is for a message.

    A device that is away is told when it comes, but not after `valid_s`.
    """

    do: CommandKind
    every_s: Seconds | None = None
    span_s: Seconds | None = None
    text: Annotated[str, Field(min_length=1, max_length=120), Storable] | None = None
    valid_s: Annotated[int, Field(ge=5, le=7 * 86_400)] = int(commands.VALID.total_seconds())

    @model_validator(mode="after")
    def _check(self) -> Self:
        said = {name for name in ("every_s", "span_s", "text") if getattr(self, name) is not None}
        if foreign := said - _TAKES[self.do]:
            raise ValueError(f"{', '.join(sorted(foreign))}: not known to {self.do}")
        if (needed := _NEEDS.get(self.do)) and needed not in said:
            raise ValueError(f"{needed}: needed by {self.do}")
        return self


class CommandOut(Answer):
    """What a device was asked to do, and its reply once there is one, be it after `expires_at`."""

    id: UUID
    state: CommandState
    do: CommandKind
    every_s: int | None
    span_s: int | None
    text: str | None
    asked_at: datetime
    asked_by: UUID | None  # none: the house itself, during a call for help
    expires_at: datetime
    replied_at: datetime | None
    ok: bool | None
    why: str | None


_SHARED = frozenset(CommandOut.model_fields) - {"id", "state", "asked_by"}


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
    rest_s: int | None = None
    move_s: int | None = None
    alarm_s: int | None = None
    batch: int | None = None
    changed_at: datetime | None = None


@router.post("/{uid}/commands/", status_code=status.HTTP_201_CREATED, response_model=CommandOut)
def ask(
    uid: DeviceUid,
    body: CommandOrder,
    caller: Caller,
    actor: Acting,
    once: Once,
    session: WriteSession,
    at: Now,
) -> CommandOut:
    """Ask a device to do something now; its reply closes what is answered here."""
    device = queries.require_in_use(queries.lock_seen(session, uid, caller=caller))
    said = body.model_dump(exclude={"do", "valid_s"})
    valid = timedelta(seconds=body.valid_s)
    command = commands.ask(session, device.id, do=body.do, by=caller.id, at=at, valid=valid, **said)
    trail.note(session, actor, "device.asked", device, at=at, do=body.do, command=str(command.uuid))
    return once.keep(_out(command, caller.uuid, at=at))


@router.get("/{uid}/commands/", response_model=Page[CommandOut])
def list_commands(
    uid: DeviceUid, wanted: Annotated[CommandFilter, Query()], caller: Caller, session: ReadSession, at: Now
) -> Page[CommandOut]:
    """What a device was asked, newest first; an owner is not shown what it was asked under another."""
    device = queries.get_device(session, uid, seen_by=seen_by(caller))
    found = queries.list_commands(
        session,
        device.id,
        since=None if caller.is_desk else device.owned_since,
        before=paging.read_cursor(wanted.cursor, int),
        limit=wanted.limit + 1,
    )
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.asked_at, row.id))
    return Page(
        items=[_out(row, row.asked_by.uuid if row.asked_by else None, at=at) for row in rows], next=more
    )


@router.get("/{uid}/config/", response_model=ProfileOut)
def show_profile(uid: DeviceUid, caller: Caller, session: ReadSession) -> DeviceConfig | ProfileOut:
    """How a device is to report; version 0, and as it likes, until somebody says so."""
    device = queries.get_device(session, uid, seen_by=seen_by(caller))
    return session.get(DeviceConfig, device.id) or ProfileOut(version=0)


@router.put("/{uid}/config/", response_model=ProfileOut)
def configure(
    uid: DeviceUid, body: Profile, caller: Caller, actor: Acting, session: WriteSession, at: Now
) -> DeviceConfig:
    """How a device is to report from now on; it gets this when it connects, too."""
    device = queries.lock_in_use(session, uid, caller=caller)
    config = commands.configure(session, device, at=at, **body.model_dump())
    if config.changed_at == at:
        said = body.model_dump(exclude_none=True)
        trail.note(session, actor, "device.configured", device, at=at, version=config.version, **said)
    return config


def _out(command: DeviceCommand, asked_by: UUID | None, *, at: datetime) -> CommandOut:
    said = {name: getattr(command, name) for name in _SHARED}
    state = rules.command_state(command.ok, command.expires_at, at=at)
    return CommandOut(id=command.uuid, state=state, asked_by=asked_by, **said)
