"""What a driver was given lately, and how much of it still counts: drivers read what they are judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import OrderOffer
from db.states import OfferState
from dispatch.fleet import shifts
from dispatch.matching import fairness
from dispatch.matching.fairness import Entry, Given, Standing

_ANSWERS = {
    OfferState.ACCEPTED: Given.ACCEPTED,
    OfferState.DECLINED: Given.DECLINED,
    OfferState.EXPIRED: Given.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `amount` was given then, `weight` of it is left now."""

    kind: Given
    at: datetime
    amount: float
    weight: float
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A driver's lines, the newest first, and what they add up to."""

    lines: Sequence[Line]
    standing: Standing


def read(session: Session, driver_id: int, *, at: datetime) -> Ledger:
    """The ledger of one driver as matching reads it at this moment."""
    since = at - fairness.WINDOW
    given = [
        ([entry], offer.order_id)
        for offer in session.scalars(
            select(OrderOffer).where(OrderOffer.driver_id == driver_id, OrderOffer.offered_at > since)
        )
        for entry in _entries(offer)
    ]
    present = [
        (fairness.hours(shift.started_at, shift.ended_at, at), None)
        for shift in shifts.list_between(session, driver_id, since=since, until=at)
    ]
    lines = [_line(entries, order_id, at) for entries, order_id in given + present if entries]
    whole = [entry for entries, _ in given + present for entry in entries]
    newest_first = sorted(lines, key=lambda line: line.at, reverse=True)
    return Ledger(newest_first, fairness.standing(whole, at))


def _entries(offer: OrderOffer) -> list[Entry]:
    # An answer is as old as its question: so much later than that it never is.
    asked, answer = Entry(Given.OFFERED, offer.offered_at), _ANSWERS.get(offer.state)
    return [asked] if answer is None else [asked, Entry(answer, offer.offered_at)]


def _line(entries: Sequence[Entry], order_id: int | None, at: datetime) -> Line:
    """One line of what matching counts in pieces: a shift is many hours, each with an age of its own."""
    first = entries[0]
    amount = sum(each.weight for each in entries)
    weight = sum(each.weight * fairness.decay(each.at, at) for each in entries)
    return Line(first.kind, first.at, amount, weight, order_id)
