"""How often somebody may try to log in; counted in the database, for all api processes as one."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert

from api.accounts.addresses import origin_of
from api.refusals import TooManyTries
from db.models import TryCount
from db.session import Database

_WITHIN = timedelta(minutes=5)
_PER_ACCOUNT_AND_ADDRESS = 10
_PER_ADDRESS = 100


class Tries:
    """Counts tries by account and address, and by address alone; a right password does not count.

    Never by account alone: then anybody could lock a wearer out. Each count is a transaction of its own,
    over before a password is hashed.
    """

    def __init__(self, database: Database, what: str = "from here") -> None:
        self._database = database
        self._what = what

    def spend(self, account: str, address: str, *, at: datetime) -> None:
        """Count a try, or raise TooManyTries with how long to wait."""
        origin = origin_of(address)
        most = {_key(account, origin): _PER_ACCOUNT_AND_ADDRESS, _key(origin): _PER_ADDRESS}
        over = TryCount.since <= at - _WITHIN
        one_more = insert(TryCount).values([{"key": key, "since": at, "count": 1} for key in most])
        counted = one_more.on_conflict_do_update(
            index_elements=[TryCount.key],
            set_={
                "since": case((over, one_more.excluded.since), else_=TryCount.since),
                "count": case((over, 1), else_=TryCount.count + 1),
            },
        ).returning(TryCount.key, TryCount.since, TryCount.count)
        with self._database.transaction() as session:
            for key, since, count in session.execute(counted).all():
                if count > most[key]:
                    # It undoes the count as well: who waits does not wait longer for asking.
                    wait_s = int((since + _WITHIN - at).total_seconds()) + 1
                    raise TooManyTries(f"too many tries {self._what}", retry_after_s=wait_s)

    def forgive(self, account: str, address: str, *, at: datetime) -> None:
        """The try was right after all."""
        origin = origin_of(address)
        with self._database.transaction() as session:
            session.execute(delete(TryCount).where(TryCount.key == _key(account, origin)))
            session.execute(
                update(TryCount)
                .where(TryCount.key == _key(origin), TryCount.since > at - _WITHIN)
                .values(count=func.greatest(TryCount.count - 1, 0))
                .execution_options(synchronize_session=False)
            )


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
