"""Accounts for admins: finding them, granting and taking, blocking and unblocking."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from api import paging
from api.deps import Acting, Admin, Now, ReadSession, WriteSession
from api.paging import Page
from api.people import service
from api.people.schemas import AccountOut, Regions, RegionsOut, UserFilter
from db.states import Role

router = APIRouter(prefix="/users", tags=["people"])


@router.get("/", response_model=Page[AccountOut])
def list_users(wanted: Annotated[UserFilter, Query()], _: Admin, session: ReadSession) -> Page[AccountOut]:
    """Find accounts, newest first."""
    found = service.list_users(
        session,
        search=wanted.search,
        role=wanted.role,
        status=wanted.status,
        before=paging.read_cursor(wanted.cursor, int),
        limit=wanted.limit + 1,
    )
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.created_at, row.id))
    return Page(items=[AccountOut.of(row) for row in rows], next=more)


@router.get("/{user}/", response_model=AccountOut)
def show_user(user: UUID, _: Admin, session: ReadSession) -> AccountOut:
    """One account."""
    return AccountOut.of(service.get_user(session, user))


@router.put("/{user}/roles/{role}/", response_model=AccountOut)
def grant_role(user: UUID, role: Role, _: Admin, actor: Acting, session: WriteSession, at: Now) -> AccountOut:
    """Grant a role beside those that are held."""
    return AccountOut.of(service.grant_role(session, user, role, actor=actor, at=at))


@router.delete("/{user}/roles/{role}/", response_model=AccountOut)
def take_role(user: UUID, role: Role, _: Admin, actor: Acting, session: WriteSession, at: Now) -> AccountOut:
    """Take a role; the last admin's cannot be taken."""
    return AccountOut.of(service.take_role(session, user, role, actor=actor, at=at))


@router.post("/{user}/block/", response_model=AccountOut)
def block(user: UUID, _: Admin, actor: Acting, session: WriteSession, at: Now) -> AccountOut:
    """Shut somebody out: logins, sockets and broker access of a dispatcher end; devices go on."""
    return AccountOut.of(service.block(session, user, actor=actor, at=at))


@router.post("/{user}/unblock/", response_model=AccountOut)
def unblock(user: UUID, _: Admin, actor: Acting, session: WriteSession, at: Now) -> AccountOut:
    """Let somebody log in again."""
    return AccountOut.of(service.unblock(session, user, actor=actor, at=at))


@router.delete("/{user}/totp/", status_code=status.HTTP_204_NO_CONTENT)
def remove_second_factor(user: UUID, _: Admin, actor: Acting, session: WriteSession, at: Now) -> None:
    """Ask somebody who lost the authenticator app for no code any more."""
    service.remove_second_factor(session, user, actor=actor, at=at)


@router.put("/{user}/regions/", response_model=RegionsOut)
def set_regions(
    user: UUID, body: Regions, _: Admin, actor: Acting, session: WriteSession, at: Now
) -> RegionsOut:
    """Name the regions whose calls a dispatcher sees, over HTTP, WebSocket and MQTT alike."""
    changed = service.set_regions(session, user, body.regions, actor=actor, at=at)
    return RegionsOut(regions=changed.alert_regions, unwatched=service.find_unwatched(session))
