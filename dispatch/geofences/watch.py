"""Looks at the fixes of devices with fences, apart from the lane that stores them; others cost nothing."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from db import outbox
from db.models import GeofenceEvent
from db.states import Side
from dispatch.geofences import rules
from dispatch.geofences.rules import Crossed, Fix, Standing

MOST_PAIRS = 500
"""Of a fence and a device, in one look."""

MOST_FIXES = 200
"""Of one pair in one look; the others are for the next."""

_PAIRS = """
    SELECT fence.id AS geofence_id, device.id AS device_id
    FROM geofences fence JOIN devices device ON device.id = fence.device_id
    WHERE fence.active AND device.retired_at IS NULL
      AND (fence.owner_id IS NULL OR fence.owner_id = device.owner_id)
    UNION ALL
    SELECT fence.id, device.id
    FROM geofences fence JOIN devices device ON device.owner_id = fence.person_id
    WHERE fence.active AND device.retired_at IS NULL
"""
# What is watched is decided here alone: a device that changes hands, or a fence, needs no other hook.
_FORGET = text(
    "DELETE FROM geofence_watches watch WHERE NOT EXISTS"  # noqa: S608 - a constant
    f" (SELECT FROM ({_PAIRS}) pair WHERE (pair.geofence_id, pair.device_id)"
    "  = (watch.geofence_id, watch.device_id))"
)
_BEGIN = text(
    "INSERT INTO geofence_watches (geofence_id, device_id)"  # noqa: S608 - a constant
    f" SELECT geofence_id, device_id FROM ({_PAIRS}) pair WHERE NOT EXISTS"
    "  (SELECT FROM geofence_watches watch WHERE (pair.geofence_id, pair.device_id)"
    "   = (watch.geofence_id, watch.device_id))"
    " ON CONFLICT DO NOTHING"
)
_CLAIM = text("""
    SELECT watch.geofence_id, watch.device_id, watch.looked_at, watch.side, watch.doubted_at,
           last.position_at, fence.depth_m, fence.uuid, device.uid
    FROM geofence_watches watch
    JOIN geofences fence ON fence.id = watch.geofence_id
    JOIN devices device ON device.id = watch.device_id
    JOIN device_last last ON last.device_id = watch.device_id
    WHERE last.position_at > coalesce(watch.looked_at, '-infinity')
    ORDER BY watch.looked_at NULLS FIRST, watch.geofence_id, watch.device_id
    LIMIT :most
    FOR UPDATE OF watch SKIP LOCKED
""")
_FIXES = text("""
    SELECT asked.geofence_id, asked.device_id, fix.at, fix.accuracy_m,
           CASE WHEN fence.area IS NULL
             THEN ST_Distance(ST_SetSRID(ST_MakePoint(fence.lon, fence.lat), 4326)::geography, fix.place)
                  - fence.radius_m
             ELSE CASE WHEN ST_Covers(fence.area, fix.place) THEN -1 ELSE 1 END
                  * ST_Distance(ST_Boundary(fence.area::geometry)::geography, fix.place)
           END AS outside_m
    FROM unnest(CAST(:fences AS bigint[]), CAST(:devices AS bigint[]),
                CAST(:after AS timestamptz[]), CAST(:until AS timestamptz[]))
         AS asked (geofence_id, device_id, after, until)
    JOIN geofences fence ON fence.id = asked.geofence_id
    CROSS JOIN LATERAL (
        SELECT at, accuracy_m, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography AS place
        FROM positions
        WHERE device_id = asked.device_id AND at > asked.after AND at <= asked.until
          AND at BETWEEN :first AND :last
        ORDER BY at, seq
        LIMIT :most
    ) fix
    ORDER BY fix.at
""")
_KEEP = text("""
    UPDATE geofence_watches watch
    SET looked_at = now.looked_at, side = now.side, doubted_at = now.doubted_at
    FROM unnest(CAST(:fences AS bigint[]), CAST(:devices AS bigint[]), CAST(:looked_at AS timestamptz[]),
                CAST(:side AS text[]), CAST(:doubted_at AS timestamptz[]))
         AS now (geofence_id, device_id, looked_at, side, doubted_at)
    WHERE (watch.geofence_id, watch.device_id) = (now.geofence_id, now.device_id)
""")

_JUST_BEFORE = timedelta(microseconds=1)

Pair = tuple[int, int]
Watch = Row[Any]


def adjust(session: Session) -> None:
    """Make the watches those of the fences and devices as they are now."""
    session.execute(_FORGET)
    session.execute(_BEGIN)


def look(session: Session, *, at: datetime, most: int = MOST_PAIRS) -> bool:
    """Judge the fixes that came since the last look; true when more may be left.

    What was judged and what followed from it are one transaction: each crossing is told once, and in order.
    """
    watches = session.execute(_CLAIM, {"most": most}).all()
    if not watches:
        return False
    fixes = _fixes_of(session, watches)
    told: list[tuple[Crossed, Watch]] = []
    standings: list[Standing] = []
    for watch in watches:
        coming = fixes[watch.geofence_id, watch.device_id]
        standing = Standing(watch.looked_at, Side(watch.side) if watch.side else None, watch.doubted_at)
        for fix in coming:
            standing, crossed = rules.judge(standing, fix, depth_m=watch.depth_m)
            if crossed:
                told.append((crossed, watch))
        # What is left of the time until the last known fix holds none, or was cut off for the next look.
        looked_at = standing.looked_at if len(coming) == MOST_FIXES else watch.position_at
        standings.append(Standing(looked_at, standing.side, standing.doubted_at))
    _keep(session, watches, standings)
    for crossed, watch in sorted(told, key=lambda each: each[0].at):
        _tell(session, crossed, watch, at=at)
    return len(watches) == most or any(len(coming) == MOST_FIXES for coming in fixes.values())


def _fixes_of(session: Session, watches: Sequence[Watch]) -> dict[Pair, list[Fix]]:
    # Where nothing was looked at yet, the last fix alone is.
    after = [watch.looked_at or watch.position_at - _JUST_BEFORE for watch in watches]
    asked = {
        **_keys(watches),
        "after": after,
        "until": [watch.position_at for watch in watches],
        # Constants let the planner leave out the chunks of other days.
        "first": min(after),
        "last": max(watch.position_at for watch in watches),
        "most": MOST_FIXES,
    }
    fixes: dict[Pair, list[Fix]] = defaultdict(list)
    for row in session.execute(_FIXES, asked):
        fixes[row.geofence_id, row.device_id].append(Fix(row.at, row.outside_m, row.accuracy_m))
    return fixes


def _keep(session: Session, watches: Sequence[Watch], standings: Sequence[Standing]) -> None:
    session.execute(
        _KEEP,
        {
            **_keys(watches),
            "looked_at": [standing.looked_at for standing in standings],
            "side": [standing.side and standing.side.value for standing in standings],
            "doubted_at": [standing.doubted_at for standing in standings],
        },
    )


def _keys(watches: Sequence[Watch]) -> dict[str, list[int]]:
    return {
        "fences": [watch.geofence_id for watch in watches],
        "devices": [watch.device_id for watch in watches],
    }


def _tell(session: Session, crossed: Crossed, watch: Watch, *, at: datetime) -> None:
    session.add(
        GeofenceEvent(
            geofence_id=watch.geofence_id,
            device_id=watch.device_id,
            kind=crossed.kind,
            at=crossed.at,
            confirmed_at=crossed.confirmed_at,
        )
    )
    fence: UUID = watch.uuid
    crossed_at = crossed.at.isoformat()
    outbox.append(session, f"geofence.{crossed.kind}", fence, at=at, device=watch.uid, crossed_at=crossed_at)
