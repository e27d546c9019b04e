"""How many codes were sent, to whom and for whom; counted in the database, for all api processes as one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from api.accounts.addresses import origin_of
from api.codes import rules
from api.refusals import TooManyTries
from db.models import Code
from db.states import CodePurpose


def make_room(session: Session, purpose: CodePurpose, subject: str, address: str, at: datetime) -> str:
    """The origin that is counted for one more code; TooManyTries when there is no room for it."""
    origin = origin_of(address)
    hold(session, [subject], origin)
    left = wait(session, purpose, subject, origin, at)
    if left > timedelta():
        raise TooManyTries(
            "a code was sent a moment ago, or too many were", retry_after_s=int(left.total_seconds()) + 1
        )
    return origin


def hold(session: Session, subjects: Sequence[str], origin: str) -> None:
    """Nobody else finds the same room until the transaction ends.

    All subjects first, in one order, and the origin last: so no two ever wait for each other.
    """
    for name in (*(f"code:{each}" for each in sorted(subjects)), f"code from:{origin}"):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def wait(session: Session, purpose: CodePurpose, subject: str, origin: str, at: datetime) -> timedelta:
    """How long until there is room for one more."""
    counted = (
        (rules.PER_PURPOSE, (Code.subject == subject, Code.purpose == purpose)),
        (rules.PER_SUBJECT, (Code.subject == subject,)),
        (rules.PER_ADDRESS, (Code.address == origin,)),
    )
    return max(
        rules.wait(_sent(session, *where, most=max(limit.most for limit in limits)), limits, at=at)
        for limits, where in counted
    )


def _sent(session: Session, *where: ColumnElement[bool], most: int) -> list[datetime]:
    newest_first = select(Code.created_at).where(*where).order_by(Code.created_at.desc()).limit(most)
    return list(session.scalars(newest_first))
