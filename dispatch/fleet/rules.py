"""Who may be on a shift, and when one is over. Pure."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from dispatch.errors import Conflict
from dispatch.matching.driver_rules import licence_expired

FORGOTTEN = timedelta(hours=4)
"""Who has not said for so long where they are has gone home, and forgot to say so."""

RENEW_WITHIN = timedelta(days=14)
"""So long before a licence is over, its driver is reminded."""


class Ended(StrEnum):
    """Why a shift is over."""

    OFFLINE = "offline"  # the driver said so
    OTHER_VEHICLE = "other_vehicle"
    LICENCE_EXPIRED = "licence_expired"
    FORGOTTEN = "forgotten"
    BLOCKED = "blocked"
    NO_DRIVER = "no_driver"  # the role was taken away
    DESK = "desk"


class LicenceExpired(Conflict):
    """Nobody drives for us without a licence."""

    code = "licence_expired"

    def __init__(self, expires_on: date) -> None:
        super().__init__(f"your licence ended on {expires_on}; enter the new one, then start your shift")


def expires_soon(expires_on: date | None, *, at: datetime) -> bool:
    """Whether it is time to renew a licence."""
    return expires_on is not None and expires_on <= (at + RENEW_WITHIN).date()


def check_licence(expires_on: date | None, *, at: datetime) -> None:
    """Raise LicenceExpired unless the licence is good."""
    if expires_on is not None and licence_expired(expires_on, at=at):
        raise LicenceExpired(expires_on)


def find_lapse(
    *, expires_on: date | None, last_sign_at: datetime, has_order: bool, at: datetime
) -> Ended | None:
    """Why a shift is over though nobody said so; who has an order to do has not gone home."""
    if licence_expired(expires_on, at=at):
        return Ended.LICENCE_EXPIRED
    if not has_order and at - last_sign_at > FORGOTTEN:
        return Ended.FORGOTTEN
    return None


def hours_within(
    started_at: datetime, ended_at: datetime | None, *, since: datetime, until: datetime
) -> float:
    """How many hours of a shift lie between two times; one that goes on is counted until the second."""
    begins, ends = max(started_at, since), min(ended_at or until, until)
    return max((ends - begins).total_seconds(), 0.0) / 3_600
