"""Coming in and staying in; several short transactions, so that no connection waits for a hash."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts import families, second_factor, service, sessions
from api.accounts.passwords import is_right
from api.accounts.phones import is_phone
from api.accounts.second_factor import Vault
from api.accounts.sessions import Client
from api.accounts.tokens import Signer
from api.accounts.tries import Tries
from api.refusals import SecondStepNeeded, Unauthenticated
from db.models import User
from db.session import Database
from db.states import UserStatus
from dispatch.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client keeps after it came in, and whose they are."""

    access: str
    refresh: str
    owner: User


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where somebody comes in: what counts tries and signs tokens, whence they come, and when."""

    database: Database
    signer: Signer
    tries: Tries
    client: Client
    at: datetime

    @contextmanager
    def trying(self, account: str) -> Iterator[None]:
        """Count a try, before anything costly is done; when the block ends well it is forgiven."""
        self.tries.spend(account, self.client.address, at=self.at)
        yield
        self.tries.forgive(account, self.client.address, at=self.at)

    def admit(self, subject: str) -> None:
        """Count a registration, before its password is hashed; none is forgiven, for each costs the same."""
        self.tries.spend(f"registration of {subject}", self.client.address, at=self.at)

    def log_in(self, subject: str, password: str) -> Tokens:
        """Tokens for the right password of whoever owns `subject`, a phone number or an email address.

        An unknown account and a wrong password cannot be told apart.
        """
        known_by = "phone number" if is_phone(subject) else "email"
        wrong = Unauthenticated(f"the {known_by} or the password is wrong")
        with self.trying(subject):
            with self.database.transaction() as session:
                user = service.find_user(session, subject)
            if not is_right(password, user.password_hash if user else None) or user is None:
                raise wrong
        if user.status != UserStatus.ACTIVE:
            raise Forbidden("this account is blocked")
        with self.database.transaction() as session:
            # Who set another password meanwhile has ended every login of before: none may begin after it.
            held = select(User.password_hash).where(User.id == user.id).with_for_update(key_share=True)
            if session.scalar(held) != user.password_hash:
                raise wrong
            return self.begin(session, user)

    def second_step(self, token: str, code: str, *, vault: Vault) -> Tokens:
        """Tokens for the right code after the right password."""
        person = self.signer.read_step(token, at=self.at)
        with self.trying(f"second step of {person}"), self.database.transaction() as session:
            user = session.scalar(select(User).where(User.uuid == person))
            if user is None or user.status != UserStatus.ACTIVE:
                raise Forbidden("this account is blocked")
            if not second_factor.accept(session, user.id, code, vault=vault, at=self.at):
                raise Unauthenticated("the code is not that of this moment, or was used already")
            return self._begin(session, user)

    def begin(self, session: Session, user: User) -> Tokens:
        """A login of somebody who has shown who they are; staff may have a second step to take."""
        if second_factor.is_needed(session, user.id):
            raise SecondStepNeeded(self.signer.issue_step(user.uuid, at=self.at))
        return self._begin(session, user)

    def _begin(self, session: Session, user: User) -> Tokens:
        login = uuid.uuid4()
        sessions.use(session, login, user.id, client=self.client, at=self.at)
        refresh = families.start(session, user.id, login, at=self.at)
        return Tokens(self.signer.issue(user.uuid, session=login, at=self.at), refresh, user)

    def stay_in(self, refresh: str) -> Tokens:
        """New tokens for a good refresh token."""
        with self.database.transaction() as session:
            rotated = families.rotate(session, refresh, at=self.at)
            if rotated is not None:
                sessions.use(session, rotated.family, rotated.owner.id, client=self.client, at=self.at)
        if rotated is None:
            raise Unauthenticated("the refresh token is not good any more; please log in")
        access = self.signer.issue(rotated.owner.uuid, session=rotated.family, at=self.at)
        return Tokens(access, rotated.token, rotated.owner)
