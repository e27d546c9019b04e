"""Statistics on the wire."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from api.schemas import Answer, Own, Storable
from dispatch.sos.statistics import Exercises


class StatisticsFilter(Own):
    """Which calls to count: those that came in from `since` until before `until`."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    region: Annotated[str, Field(max_length=63), Storable] | None = None
    exercises: Exercises = Exercises.WITHOUT

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self


class SpanOut(Answer):
    """How long something took, in seconds; null where it never happened."""

    count: int
    p50_s: float | None
    p95_s: float | None


class StatisticsOut(Answer):
    """The calls of one time, in figures; times count from when people were asked."""

    since: datetime
    until: datetime
    incidents: int
    open: int
    by_outcome: dict[str, int]
    by_type: dict[str, int]
    by_region: dict[str, int]
    by_day: dict[str, int]
    false_alarm_share: float | None
    beyond_level: dict[int, float]
    acknowledged: SpanOut
    accepted: SpanOut
    arrived: SpanOut
    resolved: SpanOut
    step_lateness: SpanOut
    canary: SpanOut
