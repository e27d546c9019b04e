"""Who is on duty when: written by admins, read by everybody who has a duty."""

import re
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import AfterValidator, Field

from api.deps import Acting, Admin, Dispatcher, Now, ReadSession, WriteSession
from api.people.schemas import Slug
from api.schemas import Answer, Own, Storable
from db.models import Duty
from db.states import DutyKind
from dispatch.duty import service
from dispatch.duty.rules import is_on_duty
from dispatch.duty.service import Draft

router = APIRouter(prefix="/duties", tags=["escalation"])

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_MIDNIGHT = "24:00"


def _begin(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("must be a time of the day, 00:00 to 23:59")
    return text


def _end(text: str) -> str:
    if text != _MIDNIGHT and not _TIME.fullmatch(text):
        raise ValueError("must be a time of the day, 00:00 to 24:00")
    return text


class DutyIn(Own):
    """Some hours of some days of each week. Who ends no later than they begin ends on the next day.

    Without a region it is for every one that the person watches; `until` is the last day on which it begins.
    """

    user: UUID
    kind: DutyKind = DutyKind.DISPATCHER
    region: Slug | None = None
    weekdays: Annotated[
        list[Annotated[int, Field(ge=0, le=6)]],
        Field(min_length=1, max_length=7, description="0 is Monday, of the day on which it begins"),
    ]
    begins: Annotated[str, AfterValidator(_begin), Field(examples=["22:00"])]
    ends: Annotated[str, AfterValidator(_end), Field(examples=["06:00"])]
    timezone: Annotated[str, Field(min_length=1, max_length=64, examples=["Asia/Tashkent"]), Storable]
    since: date | None = None
    until: date | None = None

    def draft(self) -> Draft:
        """As the verbs take it."""
        return Draft(
            user=self.user,
            kind=self.kind,
            region=self.region,
            weekdays=self.weekdays,
            from_minute=_minute(self.begins),
            to_minute=_minute(self.ends),
            timezone=self.timezone,
            since=self.since,
            until=self.until,
        )


class DutyFilter(Own):
    """Whose duties to list; everybody's, where nobody is named."""

    user: UUID | None = None


class PersonOnDuty(Answer):
    uuid: UUID
    full_name: str


class DutyOut(Answer):
    """A duty, and whether it is on at this moment."""

    id: UUID
    user: PersonOnDuty
    kind: DutyKind
    region: str | None
    weekdays: list[int]
    begins: str
    ends: str
    timezone: str
    since: date | None
    until: date | None
    now: bool


@router.get("/", response_model=list[DutyOut])
def list_duties(
    wanted: Annotated[DutyFilter, Query()], _: Admin, session: ReadSession, at: Now
) -> list[DutyOut]:
    """The whole schedule, or that of one person."""
    return [_out(duty, at) for duty in service.list_duties(session, user=wanted.user)]


@router.get("/mine/", response_model=list[DutyOut])
def list_own(caller: Dispatcher, session: ReadSession, at: Now) -> list[DutyOut]:
    """When one can be woken oneself."""
    return [_out(duty, at) for duty in service.list_duties(session, user=caller.uuid)]


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=DutyOut)
def create_duty(body: DutyIn, _: Admin, actor: Acting, session: WriteSession, at: Now) -> DutyOut:
    """Put a dispatcher or an admin on duty."""
    return _out(service.create(session, body.draft(), actor=actor, at=at), at)


@router.get("/{duty_id}/", response_model=DutyOut)
def show_duty(duty_id: UUID, _: Admin, session: ReadSession, at: Now) -> DutyOut:
    """One duty."""
    return _out(service.get_duty(session, duty_id), at)


@router.put("/{duty_id}/", response_model=DutyOut)
def replace_duty(
    duty_id: UUID, body: DutyIn, _: Admin, actor: Acting, session: WriteSession, at: Now
) -> DutyOut:
    """Change all of a duty."""
    return _out(service.replace(session, duty_id, body.draft(), actor=actor, at=at), at)


@router.delete("/{duty_id}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_duty(duty_id: UUID, _: Admin, actor: Acting, session: WriteSession, at: Now) -> None:
    """Take a duty off somebody."""
    service.remove(session, duty_id, actor=actor, at=at)


def _out(duty: Duty, at: datetime) -> DutyOut:
    return DutyOut(
        id=duty.uuid,
        user=PersonOnDuty.model_validate(duty.user),
        kind=duty.kind,
        region=duty.region,
        weekdays=duty.weekdays,
        begins=_clock(duty.from_minute),
        ends=_clock(duty.to_minute),
        timezone=duty.timezone,
        since=duty.since,
        until=duty.until,
        now=is_on_duty(duty, at),
    )


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
