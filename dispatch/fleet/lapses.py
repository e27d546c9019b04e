"""Looks now and then whose shift is over though nobody said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session

from db.models import Driver, LastPlace, Order, Shift
from dispatch.fleet import rules, shifts
from dispatch.fleet.rules import Ended
from dispatch.orders.rules import TAKEN

_MOST = 200
"""So many are ended at one look; the next goes on."""

_LAST_SIGN = func.greatest(Shift.started_at, LastPlace.at)
_HAS_ORDER = select(Order.id).where(Order.driver_id == Driver.user_id, Order.state.in_(TAKEN)).exists()


@dataclass(frozen=True, slots=True)
class Lapse:
    """A driver whose shift is over, and why."""

    driver_id: int
    why: Ended


def look(session: Session, *, at: datetime) -> Sequence[Lapse]:
    """The shifts that are to end; nothing is held."""
    forgotten = (at - rules.FORGOTTEN > _LAST_SIGN) & ~_HAS_ORDER
    suspects = _open().where(or_(Driver.licence_expires_on < at.date(), forgotten)).limit(_MOST)
    judged = ((row.user_id, _judge(row, at)) for row in session.execute(suspects))
    return [Lapse(driver_id, why) for driver_id, why in judged if why is not None]


def attend(session: Session, lapse: Lapse, *, at: datetime) -> None:
    """End a shift, unless by now there is no reason any more."""
    row = session.execute(_open().where(Driver.user_id == lapse.driver_id)).first()
    if row is None or _judge(row, at) is not lapse.why:
        return
    # Who went home without a word was there for as long as they said where they were.
    ended_at = row.last_sign if lapse.why is Ended.FORGOTTEN else at
    shifts.end(session, lapse.driver_id, why=lapse.why, at=at, ended_at=ended_at)


def _open() -> Select[Any]:
    return (
        select(
            Driver.user_id,
            Driver.licence_expires_on,
            _LAST_SIGN.label("last_sign"),
            _HAS_ORDER.label("has_order"),
        )
        .join(Shift, (Shift.driver_id == Driver.user_id) & Shift.ended_at.is_(None))
        .outerjoin(LastPlace, LastPlace.user_id == Driver.user_id)
        .order_by(Driver.user_id)
    )


def _judge(row: Row[Any], at: datetime) -> Ended | None:
    return rules.find_lapse(
        expires_on=row.licence_expires_on, last_sign_at=row.last_sign, has_order=row.has_order, at=at
    )
