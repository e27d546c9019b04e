"""Where people are who may be sent to somebody; this is the one way in.

The newest place wins, whichever way it came. No place is of the future: a phone whose clock is ahead
must not outlive what it says next.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.samples import PositionRow

# The order keeps two lanes from waiting for each other in a circle.
_UPSERT = """
    INSERT INTO last_places AS known (user_id, at, lat, lon, accuracy_m)
    {come}
    ON CONFLICT (user_id) DO UPDATE
    SET at = excluded.at, lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m
    WHERE known.at <= excluded.at
"""
_SAID = text(_UPSERT.format(come="VALUES (:user_id, :at, :lat, :lon, :accuracy_m)"))
_CARRIED = _UPSERT.format(
    come="""
    SELECT DISTINCT ON (device.owner_id)
           device.owner_id, least(fix.at, fix.received_at), fix.lat, fix.lon, fix.accuracy_m
    FROM unnest(%b::int8[], %b::timestamptz[], %b::timestamptz[], %b::float8[], %b::float8[], %b::float4[])
         AS fix (device_id, at, received_at, lat, lon, accuracy_m)
    JOIN devices device ON device.id = fix.device_id
    WHERE device.kind = 'phone' AND device.retired_at IS NULL
      AND (EXISTS (SELECT FROM helpers WHERE user_id = device.owner_id AND available)
           OR EXISTS (SELECT FROM drivers WHERE user_id = device.owner_id AND online)
           OR EXISTS (SELECT FROM orders WHERE driver_id = device.owner_id
                      AND state IN ('accepted', 'en_route', 'arrived', 'in_progress'))
           OR EXISTS (SELECT FROM helper_calls WHERE helper_id = device.owner_id AND ended_at IS NULL))
    ORDER BY device.owner_id, 2 DESC
"""
).encode()


def move(
    session: Session, user_id: int, *, lat: float, lon: float, at: datetime, accuracy_m: float | None = None
) -> None:
    """Say where a person is; what is older than what is known changes nothing."""
    session.execute(_SAID, {"user_id": user_id, "at": at, "lat": lat, "lon": lon, "accuracy_m": accuracy_m})


def follow(cursor: Cursor[Any], fixes: Sequence[PositionRow]) -> None:
    """Move the owners of phones with them, as far as they can be sent to somebody or are on their way."""
    if not fixes:
        return
    cursor.execute(
        _CARRIED,
        [
            [fix.device_id for fix in fixes],
            [fix.at for fix in fixes],
            [fix.received_at for fix in fixes],
            [fix.lat for fix in fixes],
            [fix.lon for fix in fixes],
            [fix.accuracy_m for fix in fixes],
        ],
    )
