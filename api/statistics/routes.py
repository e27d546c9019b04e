"""How well calls for help are answered."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from api.accounts.service import Person
from api.deps import Dispatcher, Now, ReadSession
from api.statistics.schemas import StatisticsFilter, StatisticsOut
from broker.topics import DEFAULT_REGION
from dispatch.sos import statistics

router = APIRouter(prefix="/statistics", tags=["statistics"])

_USUAL = timedelta(days=30)


@router.get("/incidents/", response_model=StatisticsOut)
def incidents(
    wanted: Annotated[StatisticsFilter, Query()], desk: Dispatcher, session: ReadSession, at: Now
) -> StatisticsOut:
    """Times to acknowledge, accept, arrive and end, false alarms, lateness; of 30 days unless told."""
    until = wanted.until or at
    since = wanted.since or until - _USUAL
    counted = statistics.count(
        session,
        since=since,
        until=until,
        region=wanted.region,
        regions=_watched(desk),
        exercises=wanted.exercises,
    )
    return StatisticsOut(since=since, until=until, **asdict(counted))


def _watched(desk: Person) -> list[str] | None:
    return None if desk.watched is None else sorted({DEFAULT_REGION, *desk.watched})
