"""Another phone number in place of one's own: asked for by its owner, and proven before it counts."""

from datetime import timedelta

from sqlalchemy.orm import Session

from api.accounts.service import Person, nobody_elses
from api.codes import service as codes
from api.codes.flows import WRONG, Counter
from api.people import service
from api.people.owners import as_owner
from api.refusals import WrongField
from db.models import User

_NEWS = timedelta(days=1)
"""For how long it is worth telling the former number."""


def ask(counter: Counter, caller: Person, phone: str, *, password: str | None, code: str | None) -> None:
    """Have a code sent to the new number, on the password or on a code that the present one was sent.

    Whether it is somebody else's already is told only to whoever shows that code: by asking, nobody finds
    out who is here.
    """
    entrance, at = counter.entrance, counter.entrance.at
    with entrance.database.transaction() as session:
        user = service.get_user(session, caller.uuid)
    if user.phone == phone:
        raise WrongField("phone_number", "is yours already")

    def send(session: Session) -> None:
        codes.send_to_claimant(
            session, user, phone, keys=counter.keys, address=entrance.client.address, at=at
        )

    as_owner(counter, user, send, password=password, code=code)


def confirm(counter: Counter, caller: Person, phone: str, code: str) -> User:
    """From now on it is theirs; logins go on, and the former number is told.

    Taken when somebody else has it; the code stays good then.
    """
    entrance, at = counter.entrance, counter.entrance.at
    with entrance.trying(f"code:{phone}"):
        with entrance.database.transaction() as session:
            proven = codes.spend_claim(session, caller.uuid, phone, code, keys=counter.keys, at=at)
            user = service.lock_user(session, caller.uuid)
            if proven:
                _move(session, user, phone, counter)
        if not proven:
            raise WrongField("code", WRONG)
    return user


def _move(session: Session, user: User, phone: str, counter: Counter) -> None:
    at, former = counter.entrance.at, user.phone
    with nobody_elses(session):
        user.phone = phone
    user.phone_verified_at = at
    if former is not None:
        codes.tell(
            session,
            former,
            "phone.changed",
            language=user.language,
            until_at=at + _NEWS,
            keys=counter.keys,
            at=at,
            ending=phone[-2:],
        )
