"""What a change of an incident leaves behind, in one statement: each call for help waits for it."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from db import notifications, outbox

_LEAVE = text("""
    WITH line AS (
        INSERT INTO incident_events (incident_id, at, kind, by_id, detail)
        VALUES (:incident, :at, :what, :by, :detail)
    ), fact AS (
        INSERT INTO outbox (kind, subject, payload, created_at, due_at, status, attempts)
        VALUES (:fact, :incident, '{}', :at, :at, 'waiting', 0)
    ), request AS (
        INSERT INTO notifications (kind, subject, payload, created_at, due_at, status, attempts)
        SELECT 'alert', :incident, '{}', :at, :at, 'waiting', 0 WHERE :shown
    )
    SELECT pg_notify(bell, '') FROM unnest(:bells) AS bell
""").bindparams(
    bindparam("incident", type_=Uuid),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("what", type_=Text),
    bindparam("fact", type_=Text),
    bindparam("by", type_=BigInteger),
    bindparam("detail", type_=JSONB),
    bindparam("bells", type_=ARRAY(Text)),
)


def leave(
    session: Session,
    incident: uuid.UUID,
    what: str,
    *,
    by: int | None,
    detail: Mapping[str, Any],
    shown: bool,
    at: datetime,
) -> None:
    """Write a line of the timeline and the fact, ask for the alert where it is shown, and ring for both."""
    bells = [outbox.CHANNEL, notifications.TOPICS] if shown else [outbox.CHANNEL]
    said = {"incident": incident, "what": what, "fact": f"sos.{what}", "by": by, "detail": detail}
    session.flush()  # the incident may be as new as its first line
    session.execute(_LEAVE, said | {"shown": shown, "bells": bells, "at": at})
