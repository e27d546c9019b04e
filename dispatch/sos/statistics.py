"""How well calls for help were answered, counted over many of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


class Exercises(StrEnum):
    """Whether calls that were exercises count."""

    WITHOUT = "without"
    INCLUDED = "included"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Span:
    """How long something took: how often it happened, its median, and what 95 of 100 did not exceed."""

    count: int
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """The calls of one time, in figures; a call merged into another is not a call of its own."""

    incidents: int
    open: int
    by_outcome: dict[str, int]
    by_type: dict[str, int]
    by_region: dict[str, int]
    by_day: dict[str, int]
    false_alarm_share: float | None  # of those that ended
    beyond_level: dict[int, float]  # the share that was asked further than this level
    acknowledged: Span
    accepted: Span
    arrived: Span
    resolved: Span
    step_lateness: Span
    canary: Span  # from press to alert topic, of the calls by which the chain tries itself


# Times come from what is never changed again: the timeline, and the calls of helpers. The call of a merged
# incident counts for the one it was merged into.
_COUNTED = """
    WITH counted AS (
        SELECT i.*,
               coalesce((SELECT min(e.at) FROM incident_events e
                          WHERE e.incident_id = i.id AND e.kind = 'activated'), i.opened_at) AS active_at
          FROM incidents i
         WHERE i.opened_at >= :since AND i.opened_at < :until
           AND i.merged_into_id IS NULL AND NOT i.canary
           AND (CAST(:region AS text) IS NULL OR i.region = :region)
           AND (CAST(:regions AS text[]) IS NULL OR i.region = ANY(:regions))
           AND CASE :exercises WHEN 'without' THEN NOT i.exercise WHEN 'only' THEN i.exercise ELSE true END
    ), family AS (
        SELECT c.id AS counted_id, c.active_at, c.resolved_at, m.id
          FROM counted c JOIN incidents m ON m.id = c.id OR m.merged_into_id = c.id
    )
"""

_SPANS = """
    , moments AS (
        SELECT f.counted_id, min(f.active_at) AS active_at, min(f.resolved_at) AS resolved_at,
               (SELECT min(e.at) FROM incident_events e JOIN family g ON g.id = e.incident_id
                 WHERE g.counted_id = f.counted_id AND e.kind = 'acknowledged') AS acknowledged_at,
               (SELECT min(h.answered_at) FROM helper_calls h JOIN family g ON g.id = h.incident_id
                 WHERE g.counted_id = f.counted_id
                   AND h.state NOT IN ('alerted', 'delivered', 'declined', 'expired')) AS accepted_at,
               (SELECT min(h.on_scene_at) FROM helper_calls h JOIN family g ON g.id = h.incident_id
                 WHERE g.counted_id = f.counted_id) AS arrived_at
          FROM family f GROUP BY f.counted_id
    ), spans AS (
        SELECT what, extract(epoch FROM greatest(moment - active_at, interval '0')) AS took_s
          FROM moments,
               LATERAL (VALUES ('acknowledged', acknowledged_at), ('accepted', accepted_at),
                               ('arrived', arrived_at), ('resolved', resolved_at)) AS m (what, moment)
         WHERE moment IS NOT NULL
        UNION ALL
        SELECT 'step_lateness', CAST(e.detail ->> 'late_s' AS float)
          FROM incident_events e JOIN family f ON f.id = e.incident_id
         WHERE e.kind = 'escalated' AND e.detail ? 'late_s'
    )
    SELECT what, count(*) AS count,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY took_s) AS p50_s,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY took_s) AS p95_s
      FROM spans GROUP BY what
"""

_CANARY = """
    SELECT count(*) AS count,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY took_s) AS p50_s,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY took_s) AS p95_s
      FROM (SELECT extract(epoch FROM alerted_at - sent_at) AS took_s FROM canary_calls
             WHERE sent_at >= :since AND sent_at < :until AND alerted_at IS NOT NULL) AS ways
"""

_COUNTS = """
    SELECT 'state' AS what, CASE WHEN state = 'resolved' THEN 'ended' ELSE 'open' END AS word, count(*)
      FROM counted GROUP BY word
    UNION ALL SELECT 'outcome', outcome, count(*) FROM counted WHERE outcome IS NOT NULL GROUP BY outcome
    UNION ALL SELECT 'type', type, count(*) FROM counted GROUP BY type
    UNION ALL SELECT 'region', region, count(*) FROM counted GROUP BY region
    UNION ALL SELECT 'level', CAST(level AS text), count(*) FROM counted GROUP BY level
    UNION ALL SELECT 'day', to_char(opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), count(*)
      FROM counted GROUP BY 2
    ORDER BY 1, 2
"""


def count(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    region: str | None = None,
    regions: Sequence[str] | None = None,
    exercises: Exercises = Exercises.WITHOUT,
) -> Statistics:
    """Figures of the calls that came in within a time, of one region or of those that may be seen."""
    wanted: dict[str, Any] = {
        "since": since,
        "until": until,
        "region": region,
        "regions": None if regions is None else list(regions),
        "exercises": exercises,
    }
    counts: dict[str, dict[str, int]] = {}
    for what, word, number in session.execute(text(_COUNTED + _COUNTS), wanted):
        counts.setdefault(what, {})[word] = number
    spans = {
        what: Span(number, p50_s, p95_s)
        for what, number, p50_s, p95_s in session.execute(text(_COUNTED + _SPANS), wanted)
    }
    total = sum(counts.get("state", {}).values())
    ended = counts.get("state", {}).get("ended", 0)
    none = Span(0, None, None)
    return Statistics(
        incidents=total,
        open=total - ended,
        by_outcome=counts.get("outcome", {}),
        by_type=counts.get("type", {}),
        by_region=counts.get("region", {}),
        by_day=counts.get("day", {}),
        false_alarm_share=counts.get("outcome", {}).get("false_alarm", 0) / ended if ended else None,
        beyond_level=_beyond({int(level): number for level, number in counts.get("level", {}).items()}),
        acknowledged=spans.get("acknowledged", none),
        accepted=spans.get("accepted", none),
        arrived=spans.get("arrived", none),
        resolved=spans.get("resolved", none),
        step_lateness=spans.get("step_lateness", none),
        canary=Span(*session.execute(text(_CANARY), {"since": since, "until": until}).one()),
    )


def _beyond(levels: dict[int, int]) -> dict[int, float]:
    """Of each level that was reached, the share of calls that went further."""
    total = sum(levels.values())
    return {
        level: sum(number for reached, number in levels.items() if reached > level) / total
        for level in range(max(levels, default=-1))
    }
