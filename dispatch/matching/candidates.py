"""Who may come to an incident: the nearest first, each with what speaks against asking them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from db.models import Incident
from dispatch.matching import rules, scoring
from dispatch.matching.rules import Reason, Standing
from dispatch.matching.scoring import History, Score
from dispatch.sos.call_rules import ASKABLE_AGAIN

WANTED = 24
"""So many to choose from are enough."""

_FIRST_LOOK, _LAST_LOOK = 64, 4_096

_HISTORY = timedelta(days=730)
"""What is older counts for next to nothing."""

# The point is spelled out wherever it is used: so the index gives the rows in their order.
_HERE = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography"
# All that is asked of each of them is asked of those alone who are the nearest.
_NEAREST = f"""
    SELECT near.*, person.uuid, person.full_name, person.status = 'active' AS active,
           EXISTS (SELECT FROM user_roles granted
                   WHERE granted.user_id = person.id AND granted.role = 'helper') AS is_helper,
           EXISTS (SELECT FROM helper_calls call
                   WHERE call.helper_id = person.id AND call.incident_id = :incident
                     AND (call.ended_at IS NULL OR call.state IN ('declined', 'expired')
                          OR call.state = 'withdrawn'
                             AND coalesce(call.why, '') <> ALL (CAST(:askable AS text[])))) AS asked,
           EXISTS (SELECT FROM helper_calls call
                   WHERE call.helper_id = person.id AND call.incident_id <> :incident
                     AND call.ended_at IS NULL) AS busy,
           EXISTS (SELECT FROM incidents own
                   WHERE own.wearer_id = person.id AND own.state <> 'resolved') AS is_wearer,
           person.phone IS NOT NULL
             OR EXISTS (SELECT FROM push_tokens app
                        WHERE app.user_id = person.id AND app.dropped_at IS NULL)
             OR EXISTS (SELECT FROM devices phone
                        WHERE phone.owner_id = person.id AND phone.kind = 'phone'
                          AND phone.retired_at IS NULL) AS reachable
    FROM (
        SELECT place.user_id, place.at AS place_at, place.place <-> {_HERE} AS distance_m,
               helper.skills, helper.radius_m, helper.available, helper.regions
        FROM last_places place
        JOIN helpers helper ON helper.user_id = place.user_id
        WHERE place.place <-> {_HERE} <= :outer_m {{ready}}
        ORDER BY place.place <-> {_HERE}
        LIMIT :most
    ) near
    JOIN users person ON person.id = near.user_id
    ORDER BY near.distance_m
"""  # noqa: S608 - constants
_ALL = text(_NEAREST.format(ready=""))
# What most helpers are left out for is asked of the database, so that near ones who cannot come do not hide
# those behind them; the rules judge whoever is found all the same.
READY = text(
    _NEAREST.format(
        ready=f"""
      AND helper.available AND place.at >= :fresh_since
      AND place.place <-> {_HERE} <= greatest(helper.radius_m, :ring_m)"""
    )
)
_ANSWERS = text("""
    SELECT helper_id, sum(weight) AS asked, coalesce(sum(weight) FILTER (WHERE accepted), 0) AS accepted
    FROM (
        SELECT helper_id,
               power(0.5, greatest(extract(epoch FROM :at - asked_at), 0) / :half_life_s) AS weight,
               answered_at IS NOT NULL AND state <> 'declined' AS accepted
        FROM helper_calls
        WHERE helper_id = ANY (:helpers) AND asked_at > :since
          AND (answered_at IS NOT NULL OR state = 'expired')
    ) answer
    GROUP BY helper_id
""")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A helper near an incident; whoever has no reason against may be asked."""

    user_id: int
    uuid: UUID
    name: str
    skills: Sequence[str]
    place_at: datetime
    distance_m: float
    reasons: Sequence[Reason]
    score: Score


def find_ready(session: Session, incident: Incident, *, wider: bool, at: datetime) -> list[Candidate]:
    """Those who may be asked now, the nearest first; none where nobody knows the place."""
    most = _FIRST_LOOK
    while True:
        found = _judged(session, READY, incident, wider=wider, most=most, at=at)
        ready = [each for each in found if not each.reasons]
        if len(ready) >= WANTED or len(found) < most or most >= _LAST_LOOK:
            return ready
        most *= 8


def list_candidates(
    session: Session, incident: Incident, *, wider: bool, at: datetime, most: int = 100
) -> list[Candidate]:
    """The nearest helpers, whether they may be asked or not."""
    return _judged(session, _ALL, incident, wider=wider, most=most, at=at)


def _judged(
    session: Session, look: TextClause, incident: Incident, *, wider: bool, most: int, at: datetime
) -> list[Candidate]:
    if incident.lat is None or incident.lon is None:
        return []
    rows = session.execute(look, asked_of(incident, wider=wider, most=most, at=at)).all()
    histories = _histories(session, [row.user_id for row in rows], at)
    return [_judge(row, histories, incident, incident.lon, wider, at) for row in rows]


def asked_of(incident: Incident, *, wider: bool, most: int, at: datetime) -> dict[str, Any]:
    """What the look for the nearest is filled with."""
    return {
        "lat": incident.lat,
        "lon": incident.lon,
        "incident": incident.id,
        "askable": sorted(ASKABLE_AGAIN),
        "outer_m": rules.MOST_RADIUS_M,
        "ring_m": rules.reach_m(0, wider=wider),
        "fresh_since": at - rules.FRESH,
        "most": most,
    }


def _judge(
    row: Row[Any], histories: dict[int, History], incident: Incident, lon: float, wider: bool, at: datetime
) -> Candidate:
    standing = Standing(
        available=row.available,
        place_at=row.place_at,
        distance_m=row.distance_m,
        radius_m=row.radius_m,
        active=row.active,
        is_helper=row.is_helper,
        regions=row.regions,
        asked=row.asked,
        busy=row.busy,
        is_wearer=row.is_wearer,
        reachable=row.reachable,
    )
    return Candidate(
        user_id=row.user_id,
        uuid=row.uuid,
        name=row.full_name,
        skills=row.skills,
        place_at=row.place_at,
        distance_m=row.distance_m,
        reasons=rules.find_reasons(standing, region=incident.region, wider=wider, at=at),
        score=scoring.score(
            history=histories.get(row.user_id, History()),
            distance_m=row.distance_m,
            skills=row.skills,
            sos_type=incident.type,
            lon=lon,
            at=at,
        ),
    )


def _histories(session: Session, helpers: Collection[int], at: datetime) -> dict[int, History]:
    asked = {
        "helpers": list(helpers),
        "at": at,
        "since": at - _HISTORY,
        "half_life_s": rules.HALF_LIFE.total_seconds(),
    }
    rows = session.execute(_ANSWERS, asked)
    return {row.helper_id: History(float(row.asked), float(row.accepted)) for row in rows}
