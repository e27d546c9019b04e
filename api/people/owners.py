"""What a token does not open alone: its owner also knows the password, or gets the account's codes."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from api.accounts.passwords import is_right
from api.codes import service as codes
from api.codes.flows import WRONG, Counter
from api.refusals import WrongField
from db.models import User
from db.states import CodePurpose

T = TypeVar("T")


def as_owner(
    counter: Counter,
    user: User,
    do: Callable[[Session], T],
    *,
    password: str | None,
    code: str | None,
) -> T:
    """Do something on the password, or on a code that the present number was sent; in one transaction.

    A wrong code has been counted; what is refused meanwhile has not even used up a right one.
    """
    entrance = counter.entrance
    with entrance.trying(f"proof of {user.uuid}"):
        if password is not None and not is_right(password, user.password_hash):
            raise WrongField("password", "is wrong; an account without one shows a code in its place")
        with entrance.database.transaction() as session:
            is_owner = code is None or _spend_present(session, user, code, counter)
            if is_owner:
                return do(session)
        raise WrongField("code", WRONG)


def _spend_present(session: Session, user: User, code: str, counter: Counter) -> bool:
    present, at = user.phone or user.email, counter.entrance.at
    assert present is not None  # by one or the other everybody is known
    return codes.spend(session, CodePurpose.VERIFY, present, code, keys=counter.keys, at=at) is not None
