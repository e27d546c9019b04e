"""Registration and login in evacuator's words; the paths are shared with another contract."""

from datetime import datetime

from sqlalchemy.orm import Session

from api.accounts import logins, service
from api.accounts.sessions import Client
from api.accounts.tokens import Signer
from api.accounts.tries import Tries
from api.dialects import names
from api.dialects.evacuator.schemas import (
    ROLES,
    EvacuatorEntryOut,
    EvacuatorLogin,
    EvacuatorRegistration,
    EvacuatorUserOut,
)
from api.fleet.service import enrol_driver
from api.refusals import Taken
from db.session import Database
from db.states import Role


def register(
    session: Session, body: EvacuatorRegistration, *, client: Client, signer: Signer, at: datetime
) -> EvacuatorEntryOut:
    """Create an account and log it in."""
    role = ROLES[body.user_type]
    try:
        user = service.register_user(
            session,
            phone=body.phone,
            email=body.email,
            password=body.password,
            full_name=names.join(body.first_name, body.last_name),
            roles=[role],
        )
    except Taken as taken:
        raise Taken(taken.field.removesuffix("_number"), taken.message) from None
    if role is Role.DRIVER:
        enrol_driver(session, user.id)
    tokens = logins.begin(session, user, client=client, signer=signer, at=at)
    return EvacuatorEntryOut(user=EvacuatorUserOut.of(user), access=tokens.access, refresh=tokens.refresh)


def log_in(
    database: Database, body: EvacuatorLogin, *, client: Client, signer: Signer, tries: Tries, at: datetime
) -> EvacuatorEntryOut:
    """Come in with phone number and password."""
    tokens = logins.log_in(
        database,
        phone=body.phone,
        password=body.password,
        client=client,
        signer=signer,
        tries=tries,
        at=at,
    )
    with database.transaction() as session:
        found = service.find_user(session, phone=body.phone)
        assert found is not None  # came in just now
        user = EvacuatorUserOut.of(service.get_user(session, found.id))
    return EvacuatorEntryOut(user=user, access=tokens.access, refresh=tokens.refresh)
