"""Who comes by a link in place of a login: whoever has it may look, at a measured pace."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Path
from sqlalchemy.orm import Session

from api.accounts.tries import Tries
from api.deps import Address, Db, Now, TryCounts, kept
from api.pace import Pace
from db.session import Database

Token = Annotated[str, Path(max_length=64, description="what the link ends with")]
Accepted = Annotated[str, Header(alias="Accept-Language", max_length=500)]


class Link(Protocol):
    """What a token opens; it is kept as a hash."""

    token_hash: str


L = TypeVar("L", bound=Link)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Guest:
    """One request of somebody without a login."""

    at: datetime
    _database: Database
    _pace: Pace
    _tries: Tries
    _address: str

    def open(
        self, token: str, find: Callable[[Session, str], L | None], do: Callable[[Session, L], T]
    ) -> T | None:
        """What `do` makes of the link that `find` finds, in one transaction; None where there is none."""
        with self._database.transaction() as session:
            link = find(session, token)
            if link is None:
                return None
            self._pace.spend(link.token_hash, at=self.at)
            return do(session, link)

    def spend_try(self, what: str) -> None:
        """Count it against the guest's address, or raise TooManyTries."""
        self._tries.spend(what, self._address, at=self.at)


def _guest(
    database: Db, pace: Annotated[Pace, kept("link_pace")], tries: TryCounts, address: Address, at: Now
) -> Guest:
    return Guest(at, database, pace, tries, address)


AsGuest = Annotated[Guest, Depends(_guest)]
