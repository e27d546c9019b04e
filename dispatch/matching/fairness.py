"""Who had their share of the work lately: offers, accepts and hours, the older the lighter. Pure.

It decides between drivers who would be there about as soon, never about a call for help.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

WINDOW = timedelta(days=7)
"""What is older is forgotten."""

HALF_LIFE = timedelta(days=2)
"""After so long an hour or an order counts half."""

OFFER_SHARE = 0.25
"""What it is worth to have been asked, whatever was answered; an order that was taken is worth one more."""

PRIOR_HOURS = 4.0
"""Who has only just come online counts as somebody with so many hours of the usual share."""


class Given(StrEnum):
    """What stands in a driver's ledger."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"  # told to the driver; it counts nothing beyond the offer
    EXPIRED = "expired"  # the same
    HOURS = "hours"


class Entry(NamedTuple):
    """One line of a ledger: when, and how much of it; an hour is 1, an offer is 1."""

    kind: Given
    at: datetime
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a driver was given lately, each line by its weight of today."""

    offers: float = 0.0
    accepts: float = 0.0
    declines: float = 0.0
    lapses: float = 0.0
    hours: float = 0.0

    @property
    def work(self) -> float:
        """What it comes to, in orders."""
        return self.accepts + OFFER_SHARE * self.offers

    def share(self, usual: float) -> float:
        """Orders an hour; who was hardly there yet is near what is usual."""
        return (self.work + PRIOR_HOURS * usual) / (self.hours + PRIOR_HOURS)


NOTHING = Standing()


def standing(entries: Iterable[Entry], at: datetime) -> Standing:
    """Add up a ledger as of a moment."""
    sums = dict.fromkeys(Given, 0.0)
    for entry in entries:
        sums[entry.kind] += entry.weight * decay(entry.at, at)
    return Standing(
        offers=sums[Given.OFFERED],
        accepts=sums[Given.ACCEPTED],
        declines=sums[Given.DECLINED],
        lapses=sums[Given.EXPIRED],
        hours=sums[Given.HOURS],
    )


def decay(when: datetime, at: datetime) -> float:
    """How much a line of then counts now."""
    age = max(at - when, timedelta(0))
    return 0.0 if age > WINDOW else 0.5 ** (age / HALF_LIFE)


def hours(started_at: datetime, ended_at: datetime | None, at: datetime) -> list[Entry]:
    """The lines of one shift, an hour or less each and dated by its middle; one still going on ends now."""
    until = min(ended_at or at, at)
    since = max(started_at, at - WINDOW)
    whole_s = (until - since).total_seconds()
    if whole_s <= 0:
        return []
    pieces = math.ceil(whole_s / 3_600)
    piece = (until - since) / pieces
    weight = whole_s / 3_600 / pieces
    return [Entry(Given.HOURS, since + piece * (number + 0.5), weight) for number in range(pieces)]


def usual_share(standings: Iterable[Standing]) -> float:
    """Orders an hour over all of them; nothing where nobody was there."""
    work = present = 0.0
    for each in standings:
        work += each.work
        present += each.hours
    return work / present if present else 0.0


def handicap(who: Standing, usual: float) -> float:
    """From -1, nothing in many hours, over 0, the usual share, to 1, twice of that or more."""
    return 0.0 if usual <= 0 else min(max(who.share(usual) / usual - 1, -1.0), 1.0)
