"""How long the whole way of a call for help takes, as the calls show that nobody made."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Float, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session

from api.deps import Dispatcher, Now, ReadSession
from api.schemas import Answer, Own
from db.models import CanaryCall

router = APIRouter(prefix="/system", tags=["system"])

_FIGURES_OF = timedelta(hours=24)
_STATIONS = ("stored", "acknowledged", "alerted", "telemetry")


class CanaryFilter(Own):
    """How many calls to show, newest first."""

    limit: Annotated[int, Field(ge=1, le=200)] = 20


class CallOut(Answer):
    """One call, and the milliseconds after which each station had it; none where it never came."""

    sent_at: datetime
    incident: UUID | None
    stored_ms: float | None
    acknowledged_ms: float | None
    alerted_ms: float | None
    telemetry_ms: float | None
    trouble: str | None


class Percentiles(Answer):
    """Of those calls that came so far."""

    p50_ms: float | None
    p95_ms: float | None


class CanaryOut(Answer):
    """The last calls, and figures of the last 24 hours."""

    calls: int
    troubled: int
    stored: Percentiles
    acknowledged: Percentiles
    alerted: Percentiles
    telemetry: Percentiles
    last: list[CallOut]


@router.get("/canary/", response_model=CanaryOut)
def canary(
    wanted: Annotated[CanaryFilter, Query()], desk: Dispatcher, session: ReadSession, at: Now
) -> CanaryOut:
    """How the calls fared that try the whole way; every few minutes there is one."""
    newest = select(CanaryCall).order_by(CanaryCall.sent_at.desc()).limit(wanted.limit)
    return _figures(session, session.scalars(newest).all(), since=at - _FIGURES_OF)


def _figures(session: Session, last: Sequence[CanaryCall], *, since: datetime) -> CanaryOut:
    shares = cast(array([0.5, 0.95]), ARRAY(Float))
    percentiles = [
        func.percentile_cont(shares).within_group(
            func.extract("epoch", getattr(CanaryCall, f"{station}_at") - CanaryCall.sent_at) * 1000
        )
        for station in _STATIONS
    ]
    row = session.execute(
        select(func.count(), func.count(CanaryCall.trouble), *percentiles).where(CanaryCall.sent_at > since)
    ).one()
    figures = {
        station: Percentiles(p50_ms=_rounded(found[0]), p95_ms=_rounded(found[1]))
        if found
        else Percentiles(p50_ms=None, p95_ms=None)
        for station, found in zip(_STATIONS, row[2:], strict=True)
    }
    return CanaryOut(calls=row[0], troubled=row[1], **figures, last=[_out(call) for call in last])


def _out(call: CanaryCall) -> CallOut:
    after = {f"{name}_ms": _ms(call.sent_at, getattr(call, f"{name}_at")) for name in _STATIONS}
    return CallOut(sent_at=call.sent_at, incident=call.incident_id, trouble=call.trouble, **after)


def _ms(since: datetime, at: datetime | None) -> float | None:
    return None if at is None else round((at - since).total_seconds() * 1000, 1)


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 1)
