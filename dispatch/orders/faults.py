"""Whose fault it is that an order ended early, and what has to be shown before it is the customer's. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from db.states import OrderState, Party
from dispatch.matching.rules import FRESH

LATE = timedelta(minutes=10)
"""By how much a driver may be later than was said before it is theirs that a customer waits no longer."""

AT_PICKUP_M = 150.0
"""Whoever is nearer is there."""


@dataclass(frozen=True, slots=True)
class Coming:
    """How the driver of an order keeps what was said."""

    state: OrderState
    accepted_at: datetime | None
    eta_s: int | None  # when accepting; none where nobody reckoned it
    scheduled_at: datetime | None
    nudged_at: datetime | None  # fell silent

    @property
    def due_at(self) -> datetime | None:
        """When the driver was to be there."""
        if self.accepted_at is None or self.eta_s is None:
            return None
        reckoned = self.accepted_at + timedelta(seconds=self.eta_s)
        return reckoned if self.scheduled_at is None else max(reckoned, self.scheduled_at)


def find_fault(coming: Coming, party: Party, *, at: datetime) -> Party | None:
    """Whose it is that this party gives the order up now; of nobody, where nobody relied on anything."""
    if party is not Party.CUSTOMER:
        return Party.HOUSE
    if coming.state is OrderState.UNASSIGNED:
        return Party.HOUSE
    if coming.accepted_at is None:
        return None
    has_come = coming.state in (OrderState.ARRIVED, OrderState.IN_PROGRESS)
    late = coming.due_at is not None and at > coming.due_at + LATE
    if not has_come and (late or coming.nudged_at is not None):
        return Party.DRIVER
    return Party.CUSTOMER


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a driver who says that nobody is there."""

    distance_m: float | None  # from the pickup; none where their place is not known
    age_s: float | None  # of that place
    waited_s: float  # at the pickup, from the time that was agreed on
    free_wait_s: int
    calls: int  # that were made to reach the customer since the driver is there

    @property
    def missing(self) -> list[str]:
        """What has to be done or shown yet, for people; nothing where it is enough."""
        missing = []
        if self.distance_m is None or self.age_s is None:
            missing.append("your place is not known; send it")
        elif self.age_s > FRESH.total_seconds():
            missing.append(f"your place is {self.age_s:.0f} s old; send it again")
        elif self.distance_m > AT_PICKUP_M:
            missing.append(f"you are {self.distance_m:.0f} m from the pickup; be within {AT_PICKUP_M:.0f} m")
        if self.waited_s < self.free_wait_s:
            missing.append(f"wait {self.free_wait_s - self.waited_s:.0f} s more")
        if not self.calls:
            missing.append("call the customer, and log the attempt")
        return missing
