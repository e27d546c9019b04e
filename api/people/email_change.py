"""Another email in place of one's own: by it a password is set anew, so a token alone does not change it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.codes import service as codes
from api.codes.flows import Counter
from api.people import profile, service
from api.people.owners import as_owner
from api.refusals import WrongField
from db.models import User

_NEWS = timedelta(days=7)
"""For how long it is worth telling the former address."""


def change(
    counter: Counter, caller: Person, said: Mapping[str, Any], *, password: str | None, code: str | None
) -> User:
    """Change what is said of one's account; another email on a proof, and the former address is told."""
    entrance, at = counter.entrance, counter.entrance.at
    with entrance.database.transaction() as session:
        user = service.lock_user(session, caller.uuid)
        if said.get("email", user.email) == user.email:
            return profile.change(session, caller.uuid, **said)
    if password is None and code is None:
        raise WrongField("password", "is required for another email, or code in its place")
    former = user.email

    def move(session: Session) -> User:
        changed = profile.change(session, caller.uuid, **said)
        if former is not None:
            codes.tell(
                session,
                former,
                "email.changed",
                language=changed.language,
                until_at=at + _NEWS,
                keys=counter.keys,
                at=at,
            )
        return changed

    return as_owner(counter, user, move, password=password, code=code)
