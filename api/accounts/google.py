"""Coming in with Google: whom it vouches for, and which account that is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.auth import exceptions
from google.auth.transport import Request
from google.oauth2 import id_token
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.accounts import service
from api.accounts.emails import normalise
from api.refusals import Busy, Taken, Unauthenticated
from db.models import Identity, User, UserRole
from db.states import UserStatus
from dispatch.errors import Forbidden, NotFound

PROVIDER = "google"

_SKEW_S = 10
_RETRY_AFTER_S = 5
_LONGEST_NAME = 200
_UNVERIFIED = "Google has not verified the email address of this account"


@dataclass(frozen=True, slots=True)
class Vouched:
    """Somebody whose email address Google has verified."""

    subject: str
    email: str
    name: str


class Google:
    """Reads the id tokens that Google made for one of our own applications."""

    def __init__(self, client_ids: Collection[str], certificates: Request) -> None:
        self._client_ids = sorted(client_ids)
        self._certificates = certificates

    def read(self, token: str) -> Vouched:
        """Whom the token speaks for, or Unauthenticated; NotFound where nobody set this up."""
        if not self._client_ids:
            raise NotFound("logging in with Google is not set up here")
        try:
            said = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]
                token, self._certificates, self._client_ids, clock_skew_in_seconds=_SKEW_S
            )
        except exceptions.TransportError:
            raise Busy("Google cannot be reached at this moment", retry_after_s=_RETRY_AFTER_S) from None
        # What garbage raises inside the library is not all of its own kinds.
        except (exceptions.GoogleAuthError, ValueError, TypeError, AttributeError, KeyError):
            raise Unauthenticated("the token is not a good one of Google's for this application") from None
        return _vouched(said)


def _vouched(said: Mapping[str, Any]) -> Vouched:
    subject, email = said.get("sub"), said.get("email")
    if not subject or not isinstance(email, str) or said.get("email_verified") is not True:
        raise Unauthenticated(_UNVERIFIED)
    try:
        email = normalise(email)
    except ValueError:
        raise Unauthenticated(_UNVERIFIED) from None
    name = str(said.get("name") or "").replace("\0", "")
    return Vouched(str(subject), email, name[:_LONGEST_NAME])


def find_or_register(session: Session, vouched: Vouched, *, at: datetime) -> User:
    """The account of this person: linked before, or of the same verified email, or new.

    An email that its holder here never verified proves nothing: whoever registered it first would get in with
    the other. So Taken then. Forbidden for those who see other people's calls: their login is ours to guard.
    """
    # Two taps on the button are one registration.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(vouched.subject, 0))))
    identity = session.get(Identity, (PROVIDER, vouched.subject))
    user = session.get_one(User, identity.user_id) if identity else _link(session, vouched, at)
    if user.status != UserStatus.ACTIVE:
        raise Forbidden("this account is blocked")
    held = session.scalars(select(UserRole.role).where(UserRole.user_id == user.id))
    if not service.DESK.isdisjoint(held):
        raise Forbidden("who works at a desk comes in with the password")
    return user


def _link(session: Session, vouched: Vouched, at: datetime) -> User:
    user = service.find_user(session, vouched.email)
    if user is None:
        user = service.register_user(session, email=vouched.email, password=None, full_name=vouched.name)
        user.email_verified_at = at
    elif user.email_verified_at is None:
        raise Taken("email", "this email is registered here but was not verified: log in and verify it first")
    session.add(Identity(provider=PROVIDER, subject=vouched.subject, user_id=user.id, linked_at=at))
    session.flush()
    return user
