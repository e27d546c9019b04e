"""What a code opens; several short transactions, so that no connection waits for a hash."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.accounts import sessions
from api.accounts.logins import Entrance, Tokens
from api.accounts.passwords import hash_password
from api.codes import service
from api.codes.service import Keys
from api.refusals import Unauthenticated, WrongField
from db.models import User
from db.states import CodePurpose, UserStatus
from dispatch.errors import Forbidden

WRONG = "is wrong, or not good any more; please ask for a new one"


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a code is asked for and shown: an entrance, with what codes are read."""

    entrance: Entrance
    keys: Keys

    def welcome(self, session: Session, user: User, *subjects: str | None) -> Tokens:
        """Log in somebody who has just registered, and have a first code sent to each of these."""
        tokens = self.entrance.begin(session, user)
        given = [each for each in subjects if each is not None]
        address, at = self.entrance.client.address, self.entrance.at
        service.send_first(session, given, keys=self.keys, address=address, at=at)
        return tokens

    def ask(self, purpose: CodePurpose, subject: str) -> None:
        """Have a code sent; whether somebody is there to get it cannot be told from the answer."""
        address, at = self.entrance.client.address, self.entrance.at
        with self.entrance.database.transaction() as session:
            service.send(session, purpose, subject, keys=self.keys, address=address, at=at)

    def verify(self, subject: str, code: str) -> None:
        """Note that the phone number or email address is theirs."""
        at = self.entrance.at
        with self.entrance.trying(f"code:{subject}"):
            with self.entrance.database.transaction() as session:
                user = service.spend(session, CodePurpose.VERIFY, subject, code, keys=self.keys, at=at)
                if user is not None:
                    service.prove(user, subject, at=at)
            if user is None:
                raise WrongField("code", WRONG)

    def log_in(self, subject: str, code: str) -> Tokens:
        """Come in without a password."""
        at = self.entrance.at
        with self.entrance.trying(f"code:{subject}"):
            with self.entrance.database.transaction() as session:
                user = service.spend(session, CodePurpose.LOGIN, subject, code, keys=self.keys, at=at)
                if user is not None and user.status == UserStatus.ACTIVE:
                    service.prove(user, subject, at=at)
            if user is None:
                raise Unauthenticated(f"the code {WRONG}")
        if user.status != UserStatus.ACTIVE:
            raise Forbidden("this account is blocked")
        # On its own: the code is spent, whatever comes of the login.
        with self.entrance.database.transaction() as session:
            return self.entrance.begin(session, user)

    def reset_password(self, subject: str, code: str, password: str) -> None:
        """Set a new password, and end whatever was begun with the old one."""
        at = self.entrance.at
        with self.entrance.trying(f"code:{subject}"):
            # For everybody alike, and before a connection waits for it.
            password_hash = hash_password(password)
            with self.entrance.database.transaction() as session:
                user = service.spend(session, CodePurpose.RESET, subject, code, keys=self.keys, at=at)
                if user is not None:
                    user.password_hash = password_hash
                    service.prove(user, subject, at=at)
                    sessions.end_all(session, user.id, at=at)
            if user is None:
                raise WrongField("code", WRONG)
