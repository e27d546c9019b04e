"""What a route may ask for, by the type of its argument."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from api.accounts import service
from api.accounts.google import Google
from api.accounts.logins import Entrance
from api.accounts.service import Person
from api.accounts.sessions import Client
from api.accounts.tokens import Signer
from api.accounts.tries import Tries
from api.hub import Hub
from api.refusals import Unauthenticated
from api.settings import ApiSettings
from db.audit import Actor
from db.session import Database
from db.states import Role
from dispatch.errors import Forbidden


def now() -> datetime:
    """The time of this request; services are told it and never look at a clock."""
    return datetime.now(UTC)


def kept(name: str) -> Any:
    """What lives as long as the application, by the name that `create_app` gave it."""

    def find(connection: HTTPConnection) -> Any:
        return getattr(connection.app.state, name)

    return Depends(find)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


async def _raw_body(request: Request) -> bytes:
    return await request.body()


Now = Annotated[datetime, Depends(now)]
Settings = Annotated[ApiSettings, kept("settings")]
Db = Annotated[Database, kept("database")]
Signing = Annotated[Signer, kept("signer")]
TryCounts = Annotated[Tries, kept("tries")]
ClaimTries = Annotated[Tries, kept("claim_tries")]
LiveHub = Annotated[Hub, kept("hub")]
GoogleWay = Annotated[Google, kept("google")]
Address = Annotated[str, Depends(_address)]
RawBody = Annotated[bytes, Depends(_raw_body)]


def _entrance(
    database: Db, signer: Signing, tries: TryCounts, request: Request, address: Address, at: Now
) -> Entrance:
    client = Client(address, request.headers.get("user-agent", ""))
    return Entrance(database, signer, tries, client, at)


AtEntrance = Annotated[Entrance, Depends(_entrance)]


def _write_session(database: Db) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


def _read_session(database: Db) -> Iterator[Session]:
    engine = database.engine.execution_options(postgresql_readonly=True)
    with Session(engine, expire_on_commit=False) as session:
        yield session


# Scope "function" ends, and so commits, before the answer is sent: nobody is told of what may yet be undone.
WriteSession = Annotated[Session, Depends(_write_session, scope="function")]
ReadSession = Annotated[Session, Depends(_read_session, scope="function")]

_bearer = HTTPBearer(auto_error=False, description="The access token of login or registration.")


def _caller(
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    database: Db,
    signer: Signing,
    at: Now,
) -> Person:
    if shown is None:
        raise Unauthenticated("log in, and send the access token as Authorization: Bearer")
    access = signer.read(shown.credentials, at=at)
    # A transaction of its own, over before the route's begins: a request never holds two connections.
    with database.transaction() as session:
        person = service.find_person(session, access.user, session_id=access.session)
    if person is None:
        raise Unauthenticated("this session has ended; please log in")
    if not person.active:
        raise Forbidden("this account is blocked")
    return person


Caller = Annotated[Person, Depends(_caller)]


def _acting(caller: Caller, address: Address) -> Actor:
    return Actor(caller.id, address)


Acting = Annotated[Actor, Depends(_acting)]
"""Who goes into the audit log."""


def _holding(*roles: Role) -> Callable[[Person], Person]:
    named = " or ".join(roles)

    def check(caller: Caller) -> Person:
        if not caller.has(*roles):
            raise Forbidden(f"this needs the role {named}")
        return caller

    return check


Dispatcher = Annotated[Person, Depends(_holding(Role.DISPATCHER, Role.ADMIN))]
Driver = Annotated[Person, Depends(_holding(Role.DRIVER))]
Helper = Annotated[Person, Depends(_holding(Role.HELPER))]
Admin = Annotated[Person, Depends(_holding(Role.ADMIN))]
