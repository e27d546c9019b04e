"""The pins by which a wearer takes a call back, or says unseen that they are forced to."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, status
from pydantic import Field, ValidationInfo, field_validator
from sqlalchemy import select

from api.accounts.passwords import LONGEST, is_right
from api.accounts.service import Person
from api.accounts.tries import Tries
from api.deps import Address, Caller, Db, Now, TryCounts
from api.people import service
from api.schemas import Own
from db.models import User
from db.session import Database
from dispatch.errors import Conflict, Forbidden
from dispatch.sos import pins

router = APIRouter(prefix="/auth/me/pin", tags=["accounts"])

Digits = Annotated[str, Field(pattern=r"^[0-9]{4,8}$", examples=["4711"])]


class Asked(Own):
    """That it is the wearer who asks, and not who holds their phone."""

    password: Annotated[str, Field(max_length=LONGEST)]


class Pins(Asked):
    """4 to 8 digits each. The duress pin is answered as the other is, and calls for more help."""

    pin: Digits
    duress_pin: Digits | None = None

    @field_validator("duress_pin")
    @classmethod
    def _differs(cls, duress_pin: str | None, info: ValidationInfo) -> str | None:
        if duress_pin is not None and duress_pin == info.data.get("pin"):
            raise ValueError("must differ from the pin")
        return duress_pin


@router.put("/", status_code=status.HTTP_204_NO_CONTENT)
def set_pins(body: Pins, caller: Caller, database: Db, tries: TryCounts, address: Address, at: Now) -> None:
    """Set one's pins, in place of any others; where no duress pin is named there is none."""
    _require_password(database, tries, caller, body.password, address, at=at)
    with database.transaction() as session:
        service.lock_user(session, caller.uuid)
        pins.set_pins(session, caller.id, pin=body.pin, duress_pin=body.duress_pin, at=at)


@router.delete("/", status_code=status.HTTP_204_NO_CONTENT)
def forget_pins(
    body: Asked, caller: Caller, database: Db, tries: TryCounts, address: Address, at: Now
) -> None:
    """Be asked for no pin any more: then a dispatcher decides on what has begun."""
    _require_password(database, tries, caller, body.password, address, at=at)
    with database.transaction() as session:
        pins.forget(session, caller.id)


def _require_password(
    database: Database, tries: Tries, caller: Person, password: str, address: str, *, at: datetime
) -> None:
    """No connection waits for the hash."""
    account = f"pins of {caller.uuid}"
    tries.spend(account, address, at=at)
    with database.transaction() as session:
        password_hash = session.scalar(select(User.password_hash).where(User.id == caller.id))
    if password_hash is None:
        raise Conflict("this account has no password yet: set one with a code, at /api/v1/auth/codes/reset/")
    if not is_right(password, password_hash):
        raise Forbidden("the password is wrong")
    tries.forgive(account, address, at=at)
