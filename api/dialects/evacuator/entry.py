"""Registration and login in evacuator's words; the paths are shared with another contract."""

from sqlalchemy.orm import Session

from api.accounts import service
from api.accounts.logins import Entrance, Tokens
from api.codes.flows import Counter
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
from db.states import Role


def register(session: Session, body: EvacuatorRegistration, counter: Counter) -> EvacuatorEntryOut:
    """Create an account, log it in and send its phone a code; an email is not proven in this contract."""
    counter.entrance.admit(body.phone)
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
    return _out(counter.welcome(session, user, user.phone))


def log_in(body: EvacuatorLogin, entrance: Entrance) -> EvacuatorEntryOut:
    """Come in with phone number and password."""
    return _out(entrance.log_in(body.phone, body.password))


def _out(tokens: Tokens) -> EvacuatorEntryOut:
    user = EvacuatorUserOut.of(tokens.owner)
    return EvacuatorEntryOut(user=user, access=tokens.access, refresh=tokens.refresh)
