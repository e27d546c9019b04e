"""Access tokens: short-lived, signed, and only a name; rights are looked up at each use."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from jwt.types import Options

from api.refusals import Unauthenticated

LIFE = timedelta(minutes=15)
STEP_LIFE = timedelta(minutes=5)

_ALGORITHM = "HS256"
_ISSUER = "mayday"
_AUDIENCE = "mayday-api"
_SECOND_STEP = "mayday-second-step"
_CLAIMS = ("iss", "aud", "sub", "iat", "exp", "jti")


@dataclass(frozen=True, slots=True)
class Access:
    """What a good token says."""

    user: uuid.UUID
    expires_at: datetime
    session: uuid.UUID | None = None
    """The login it belongs to, and with which it ends; a token without one is judged by the account alone."""


class Signer:
    """Issues and reads access tokens with the stack's key."""

    def __init__(self, key: str) -> None:
        self._key = key

    def issue(self, user: uuid.UUID, *, session: uuid.UUID | None = None, at: datetime) -> str:
        """A token for this person, good for `LIFE`."""
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(user),
            "iat": int(at.timestamp()),
            "exp": int((at + LIFE).timestamp()),
            "jti": uuid.uuid4().hex,
        }
        if session is not None:
            claims["sid"] = str(session)
        return jwt.encode(claims, self._key, _ALGORITHM)

    def issue_step(self, user: uuid.UUID, *, at: datetime) -> str:
        """Says that this person gave the right password; good for the second step of the login alone."""
        claims = {"aud": _SECOND_STEP, "sub": str(user), "exp": int((at + STEP_LIFE).timestamp())}
        return jwt.encode(claims, self._key, _ALGORITHM)

    def read_step(self, token: str, *, at: datetime) -> uuid.UUID:
        """Whose password was right a moment ago, or Unauthenticated."""
        options: Options = {"require": ["aud", "sub", "exp"], "verify_exp": False}
        try:
            claims = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], audience=_SECOND_STEP, options=options
            )
            user, until = uuid.UUID(claims["sub"]), int(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError):
            raise Unauthenticated("the token of the first step is not one of ours") from None
        if until <= at.timestamp():
            raise Unauthenticated("the first step was too long ago; please log in again")
        return user

    def read(self, token: str, *, at: datetime) -> Access:
        """The token's content, or Unauthenticated with what is wrong with it."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                # The times are judged by `at`, below.
                options={
                    "require": list(_CLAIMS),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            access = Access(
                user=uuid.UUID(claims["sub"]),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
                session=uuid.UUID(claims["sid"]) if "sid" in claims else None,
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError):
            raise Unauthenticated("the access token is not one of ours") from None
        if access.expires_at <= at:
            raise Unauthenticated("the access token has expired; ask for a new one with the refresh token")
        return access
