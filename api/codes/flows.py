"""What a code opens; several short transactions, so that no connection waits for a hash."""

from dataclasses import dataclass
from datetime import datetime

from api.accounts import logins, sessions
from api.accounts.logins import Tokens
from api.accounts.passwords import hash_password
from api.accounts.sessions import Client
from api.accounts.tokens import Signer
from api.accounts.tries import Tries
from api.codes import service
from api.codes.service import Keys
from api.refusals import Unauthenticated, WrongField
from db.models import User
from db.session import Database
from db.states import CodePurpose, UserStatus
from dispatch.errors import Forbidden

_WRONG = "is wrong, or not good any more; please ask for a new one"


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a code is shown: with what it is read, from where, and when."""

    database: Database
    keys: Keys
    tries: Tries
    client: Client
    at: datetime

    def ask(self, purpose: CodePurpose, subject: str) -> None:
        """Have a code sent; whether somebody is there to get it cannot be told from the answer."""
        with self.database.transaction() as session:
            service.send(session, purpose, subject, keys=self.keys, address=self.client.address, at=self.at)

    def verify(self, subject: str, code: str) -> None:
        """Note that the phone number or email address is theirs."""
        self._count_try(subject)
        with self.database.transaction() as session:
            user = service.spend(session, CodePurpose.VERIFY, subject, code, keys=self.keys, at=self.at)
            if user is not None:
                service.prove(user, subject, at=self.at)
        if user is None:
            raise WrongField("code", _WRONG)
        self._forgive(subject)

    def log_in(self, subject: str, code: str, *, signer: Signer) -> tuple[User, Tokens]:
        """Come in without a password."""
        self._count_try(subject)
        with self.database.transaction() as session:
            user = service.spend(session, CodePurpose.LOGIN, subject, code, keys=self.keys, at=self.at)
            if user is not None and user.status == UserStatus.ACTIVE:
                service.prove(user, subject, at=self.at)
        if user is None:
            raise Unauthenticated(f"the code {_WRONG}")
        self._forgive(subject)
        if user.status != UserStatus.ACTIVE:
            raise Forbidden("this account is blocked")
        # On its own: the code is spent, whatever comes of the login.
        with self.database.transaction() as session:
            return user, logins.begin(session, user, client=self.client, signer=signer, at=self.at)

    def reset_password(self, subject: str, code: str, password: str) -> None:
        """Set a new password, and end whatever was begun with the old one."""
        self._count_try(subject)
        password_hash = hash_password(password)  # for everybody alike, and before a connection waits for it
        with self.database.transaction() as session:
            user = service.spend(session, CodePurpose.RESET, subject, code, keys=self.keys, at=self.at)
            if user is not None:
                user.password_hash = password_hash
                service.prove(user, subject, at=self.at)
                sessions.end_all(session, user.id, at=self.at)
        if user is None:
            raise WrongField("code", _WRONG)
        self._forgive(subject)

    def _count_try(self, subject: str) -> None:
        self.tries.spend(f"code:{subject}", self.client.address, at=self.at)

    def _forgive(self, subject: str) -> None:
        self.tries.forgive(f"code:{subject}", self.client.address, at=self.at)
