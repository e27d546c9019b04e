"""Samples in bulk: appended once however often they come, the newest kept at hand, tracks read back."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any, LiteralString, TypeVar, cast

from psycopg import Connection, Cursor, DataError, IntegrityError, sql
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import places
from db.models import Device, DeviceLast, Position, QuarantinedFrame, Vitals
from db.samples import Batch, Newest, PositionRow, RefusedRow, Sample, VitalsRow, newest_of
from db.states import DeviceKind

AGAIN_WITHIN = timedelta(hours=1)
"""How long a sample whose time is that of its arrival is recognised when it arrives again."""

_KEPT_AGAIN_WITHIN = timedelta(minutes=10)

Row = TypeVar("Row", bound=tuple[Any, ...])
S = TypeVar("S", Position, Vitals)


# Appending.


def store(session: Session, batch: Batch, *, lane: str) -> None:
    """Write all of a batch that is new; what the database cannot hold goes to quarantine alone."""
    positions = batch.positions + _not_yet_stored(session, _POSITIONS, batch.doubtful_positions)
    vitals = batch.vitals + _not_yet_stored(session, _VITALS, batch.doubtful_vitals)
    spoiled = _append(session, _POSITIONS, positions) + _append(session, _VITALS, vitals)
    refused = batch.refused + [_spoiled_row(row, error, lane) for row, error in spoiled]
    if refused:
        _copy(_cursor(session), _QUARANTINE.copy, _QUARANTINE.types, refused)
    newest = newest_of(positions, vitals, batch.presences)
    if newest:
        _keep_newest(session, newest)
        places.follow(_cursor(session), _carried(newest, batch.phones))


def quarantine_once(session: Session, row: RefusedRow) -> None:
    """Keep a refused frame, but not a second time when another worker has just kept the same."""
    session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"{row.topic} {row.payload!r}", 0)))
    )
    same = select(QuarantinedFrame.id).where(
        QuarantinedFrame.received_at > row.received_at - _KEPT_AGAIN_WITHIN,
        QuarantinedFrame.topic == row.topic,
        QuarantinedFrame.payload == row.payload,
    )
    if session.scalar(same.limit(1)) is None:
        session.add(QuarantinedFrame(**row._asdict()))
        session.flush()


class _Bulk:
    """A table that rows are copied into, by way of a scratch table where not all of them may be new."""

    def __init__(self, table: str, columns: Mapping[str, str]) -> None:
        self.columns = columns
        self.types = list(columns.values())
        names = {
            "table": sql.Identifier(table),
            "scratch": sql.Identifier(f"incoming_{table}"),
            "names": sql.SQL(", ").join(map(sql.Identifier, columns)),
            "definitions": sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
            ),
        }

        # Composing costs more than executing: it is done once.
        def compose(statement: LiteralString) -> bytes:
            return sql.SQL(statement).format(**names).as_bytes()

        self.copy = compose("COPY {table} ({names}) FROM STDIN (FORMAT BINARY)")
        self.copy_to_scratch = compose("COPY {scratch} ({names}) FROM STDIN (FORMAT BINARY)")
        self.clear_scratch = compose(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {scratch} ({definitions}) ON COMMIT DELETE ROWS;"
            " DELETE FROM {scratch}"
        )
        self.insert_new = compose(
            "INSERT INTO {table} ({names}) SELECT {names} FROM {scratch} ON CONFLICT DO NOTHING"
        )
        self.find_known = compose(
            "SELECT device_id, seq"
            " FROM unnest(%b::int8[], %b::int8[], %b::timestamptz[]) AS come (device_id, seq, at)"
            " WHERE EXISTS (SELECT FROM {table} AS known"
            "  WHERE known.device_id = come.device_id AND known.seq = come.seq"
            # Constants let the planner leave out the chunks of other days.
            "  AND known.at BETWEEN come.at - %b AND come.at AND known.at BETWEEN %b AND %b)"
        )


_SAMPLE = {
    "device_id": "int8",
    "at": "timestamptz",
    "seq": "int8",
    "received_at": "timestamptz",
    "clock": "int2",
    "battery_pct": "int2",
}
_FIX = {
    "lat": "float8",
    "lon": "float8",
    "alt_m": "float4",
    "accuracy_m": "float4",
    "speed_mps": "float4",
    "direction_deg": "float4",
}
_BODY = {
    "heart_rate_bpm": "int2",
    "spo2_pct": "int2",
    "temperature_c": "float4",
    "steps": "int4",
    "worn": "bool",
}
_POSITIONS = _Bulk("positions", _SAMPLE | _FIX)
_VITALS = _Bulk("vitals", _SAMPLE | _BODY)
_QUARANTINE = _Bulk(
    "quarantine",
    dict.fromkeys(RefusedRow._fields, "text") | {"received_at": "timestamptz", "payload": "bytea"},
)


def _append(session: Session, into: _Bulk, rows: Sequence[Sample]) -> list[tuple[Sample, str]]:
    """Copy as if all were new, as they nearly always are, else what is; returns what cannot be stored."""
    if not rows:
        return []
    try:
        with session.begin_nested():
            _copy(_cursor(session), into.copy, into.types, rows)
    except (DataError, IntegrityError):
        return _append_new(session, into, rows)
    return []


def _append_new(session: Session, into: _Bulk, rows: Sequence[Sample]) -> list[tuple[Sample, str]]:
    """Insert what is not there yet; halve, and halve again, until the rows that spoil it stand alone."""
    try:
        with session.begin_nested():
            cursor = _cursor(session)
            _copy_to_scratch(cursor, into, rows)
            cursor.execute(into.insert_new)
    except (DataError, IntegrityError) as error:
        if len(rows) == 1:
            return [(rows[0], str(error).strip())]
        half = len(rows) // 2
        return _append_new(session, into, rows[:half]) + _append_new(session, into, rows[half:])
    return []


def _not_yet_stored(session: Session, into: _Bulk, rows: Iterable[Sample]) -> list[Sample]:
    """Of samples under their arrival time, those that have not arrived before; the same one twice is one."""
    asked: dict[tuple[int, int], Sample] = {(row.device_id, row.seq): row for row in reversed(list(rows))}
    if not asked:
        return []
    times: list[datetime] = [row.at for row in asked.values()]
    cursor = _cursor(session)
    cursor.execute(
        into.find_known,
        [
            *([device for device, _ in asked], [seq for _, seq in asked], times),
            *(AGAIN_WITHIN, min(times) - AGAIN_WITHIN, max(times)),
        ],
    )
    known = set(cursor.fetchall())
    return [row for key, row in reversed(asked.items()) if key not in known]


def _copy_to_scratch(cursor: Cursor[Any], into: _Bulk, rows: Iterable[Row]) -> None:
    cursor.execute(into.clear_scratch)
    _copy(cursor, into.copy_to_scratch, into.types, rows)


def _copy(cursor: Cursor[Any], statement: bytes, types: Sequence[str], rows: Iterable[Row]) -> None:
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        write: Callable[[Row], None] = copy.write_row
        for row in rows:
            write(row)


def _spoiled_row(row: PositionRow | VitalsRow, error: str, lane: str) -> RefusedRow:
    said = repr(row)
    return RefusedRow(row.received_at, lane, "", None, f"cannot be stored: {error}", said.encode(), said)


def _cursor(session: Session) -> Cursor[Any]:
    """The driver's own cursor; asked for inside a savepoint, for only then is that begun."""
    connection = cast(Connection[Any], session.connection().connection.driver_connection)
    return connection.cursor()


# What is newest.

_PRESENCE = {"presence": "text", "boot": "int4", "firmware": "text", "login": "int4"}
# Which columns move together, and by which time.
_MOVING = {
    "position_at": _FIX,
    "vitals_at": _BODY,
    "battery_at": {"battery_pct": "int2"},
    "presence_at": _PRESENCE,
}
_LAST = _Bulk(
    "device_last",
    {"device_id": "int8", "last_seen_at": "timestamptz", "last_seen_via": "text"}
    | {
        name: kind
        for time, columns in _MOVING.items()
        for name, kind in ({time: "timestamptz"} | columns).items()
    },
)


def _keep_newest(session: Session, newest: Iterable[Newest]) -> None:
    """Move what is last known of each device forward, never back."""
    cursor = _cursor(session)
    _copy_to_scratch(cursor, _LAST, map(_last_row, newest))
    cursor.execute(_MOVE_FORWARD)


def _carried(newest: Iterable[Newest], phones: Set[int] | None) -> list[PositionRow]:
    """The fixes of phones; nearly all devices are watches, of which nothing more is asked."""
    if phones is None:
        return [device.position for device in newest if device.position]
    if not phones:
        return []
    return [device.position for device in newest if device.position and device.device_id in phones]


def _last_row(device: Newest) -> tuple[Any, ...]:
    fix, body, battery, presence = device.position, device.vitals, device.battery, device.presence
    return (
        *(device.device_id, device.seen_at, presence and presence.via),
        *((fix.at, *fix[-len(_FIX) :]) if fix else (None,) * (1 + len(_FIX))),
        *((body.at, *body[-len(_BODY) :]) if body else (None,) * (1 + len(_BODY))),
        *((battery.at, battery.battery_pct) if battery else (None, None)),
        *(
            (presence.at, presence.presence.value, presence.boot, presence.firmware, presence.login)
            if presence and presence.presence
            else (None,) * (1 + len(_PRESENCE))
        ),
    )


def _move_forward() -> bytes:
    moves = [
        "last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)",
        # Our own words for a door never replace the device's for its way there.
        "last_seen_via = CASE WHEN excluded.last_seen_via IN ('mqtt', 'http')"
        " AND known.last_seen_via NOT IN ('mqtt', 'http')"
        " THEN known.last_seen_via ELSE excluded.last_seen_via END",
    ]
    for time, columns in _MOVING.items():
        is_news = f"excluded.{time} >= coalesce(known.{time}, '-infinity')"
        if columns is _PRESENCE:  # the rule of PresenceRow.supersedes
            is_news += " AND (excluded.presence = 'online' OR coalesce(excluded.boot >= known.boot, true))"
        for name in (time, *columns):
            # What a device does not repeat is still so: its firmware, its boot.
            said = f"coalesce(excluded.{name}, known.{name})" if columns is _PRESENCE else f"excluded.{name}"
            moves.append(f"{name} = CASE WHEN {is_news} THEN {said} ELSE known.{name} END")
    names = ", ".join(_LAST.columns)
    values = names.replace("last_seen_via", "coalesce(last_seen_via, 'mqtt')")
    return (
        f"INSERT INTO device_last AS known ({names}) SELECT {values} FROM incoming_device_last"  # noqa: S608 - names from here
        # In the same order everywhere, so that two lanes never wait for each other in a circle.
        " WHERE EXISTS (SELECT FROM devices WHERE devices.id = device_id) ORDER BY device_id"
        f" ON CONFLICT (device_id) DO UPDATE SET {', '.join(moves)}"
    ).encode()


_MOVE_FORWARD = _move_forward()


# Looking up and reading back.


def find_device_ids(session: Session, uids: Iterable[str]) -> dict[str, int]:
    """The ids of those devices that are in use."""
    rows = session.execute(
        select(Device.uid, Device.id).where(Device.uid.in_(list(uids)), Device.retired_at.is_(None))
    )
    return {row.uid: row.id for row in rows}


def find_phones(session: Session, device_ids: Iterable[int]) -> set[int]:
    """Those of the devices that people carry who may be sent to somebody."""
    asked = select(Device.id).where(Device.id.in_(list(device_ids)), Device.kind == DeviceKind.PHONE)
    return set(session.scalars(asked))


def find_retired(session: Session, *, since: datetime) -> list[str]:
    """The devices that were taken out of use since then."""
    return list(session.scalars(select(Device.uid).where(Device.retired_at >= since)))


def find_last(session: Session, device_id: int) -> DeviceLast | None:
    """What is last known of a device."""
    return session.get(DeviceLast, device_id)


def track(
    session: Session, device_id: int, *, since: datetime, until: datetime, most: int = 10_000
) -> Sequence[Position]:
    """Where a device was, in the order of time; the latest where there are more than `most`."""
    return _latest(session, Position, device_id, since, until, most)


def vitals(
    session: Session, device_id: int, *, since: datetime, until: datetime, most: int = 10_000
) -> Sequence[Vitals]:
    """What a body told, in the order of time; the latest where there is more than `most`."""
    return _latest(session, Vitals, device_id, since, until, most)


def _latest(
    session: Session, kind: type[S], device_id: int, since: datetime, until: datetime, most: int
) -> Sequence[S]:
    found = session.scalars(
        select(kind)
        .where(kind.device_id == device_id, kind.at >= since, kind.at < until)
        .order_by(kind.at.desc(), kind.seq.desc())
        .limit(most)
    )
    return found.all()[::-1]
