"""How long what is at rest is kept.

Incidents are kept for good, with their reports, timelines, calls and messages, and each channel's answers;
those that nobody called go with finished work. Orders are kept with all that was offered and said about them.
"""

from datetime import datetime, timedelta

from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import CursorResult, Delete, delete, select, text, update

from db import answers
from db.models import (
    CanaryCall,
    Code,
    Fact,
    GeofenceEvent,
    Incident,
    KeptAnswer,
    LoginSession,
    Message,
    Notification,
    Order,
    OrderLink,
    QuarantinedFrame,
    RefreshToken,
    SystemAlert,
    Timer,
    TryCount,
)
from db.session import Database
from db.states import WorkStatus

_CODES = timedelta(days=2)
_TRIES = timedelta(hours=1)
"""Both longer than any limit looks back."""


_EVIDENCE = select(Message.uuid).where(Message.incident_id.is_not(None))
"""What people were told about an incident, by whichever channels."""


class RetentionSettings(BaseSettings):
    """Read from the environment, `MAYDAY_KEEP_TELEMETRY_DAYS` and its like."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_")

    keep_telemetry_days: int = 90
    keep_quarantine_days: int = 30
    keep_done_work_days: int = 30


def prune(database: Database, *, at: datetime, settings: RetentionSettings | None = None) -> dict[str, int]:
    """Drop what is older than its keeping time; says how many chunks and rows went."""
    keep = settings or RetentionSettings()
    gone = {
        samples: _drop_chunks(database, samples, at - timedelta(days=keep.keep_telemetry_days))
        for samples in ("positions", "vitals")
    }
    done_before = at - timedelta(days=keep.keep_done_work_days)
    # Where somebody went is kept no longer than where they were.
    gone["geofence_events"] = _delete(
        database,
        delete(GeofenceEvent).where(GeofenceEvent.at < at - timedelta(days=keep.keep_telemetry_days)),
    )
    gone["quarantine"] = _delete(
        database,
        delete(QuarantinedFrame).where(
            QuarantinedFrame.received_at < at - timedelta(days=keep.keep_quarantine_days)
        ),
    )
    # First, so that what is kept for an incident goes with these at once.
    canaries = Incident.canary, Incident.resolved_at < done_before
    gone["canary_incidents"] = _delete(database, delete(Incident).where(*canaries))
    gone["canary_calls"] = _delete(database, delete(CanaryCall).where(CanaryCall.sent_at < done_before))
    gone["system_alerts"] = _delete(database, delete(SystemAlert).where(SystemAlert.ended_at < done_before))
    for work in (Fact, Timer, Notification):
        old = delete(work).where(work.status != WorkStatus.WAITING, work.finished_at < done_before)
        if work is Notification:
            old = old.where(Notification.subject.not_in(_EVIDENCE))
        gone[work.__tablename__] = _delete(database, old)
    over = select(Order.id).where(Order.ended_at < done_before)
    gone["order_links"] = _delete(database, delete(OrderLink).where(OrderLink.order_id.in_(over)))
    gone["messages"] = _delete(
        database, delete(Message).where(Message.incident_id.is_(None), Message.until_at < done_before)
    )
    # That somebody was told is kept; what with, names and links, is not needed any more.
    _erase(database, done_before)
    gone["refresh_tokens"] = _delete(database, delete(RefreshToken).where(RefreshToken.expires_at < at))
    gone["codes"] = _delete(database, delete(Code).where(Code.created_at < at - _CODES))
    gone["login_sessions"] = _delete(database, delete(LoginSession).where(LoginSession.expires_at < at))
    gone["kept_answers"] = _delete(database, delete(KeptAnswer).where(KeptAnswer.at <= at - answers.KEPT))
    gone["tries"] = _delete(database, delete(TryCount).where(TryCount.since < at - _TRIES))
    return gone


def _erase(database: Database, before: datetime) -> None:
    with database.transaction() as session:
        session.execute(
            update(Message)
            .where(Message.until_at < before, Message.sealed != "")
            .values(sealed="")
            .execution_options(synchronize_session=False)
        )


def _drop_chunks(database: Database, hypertable: str, older_than: datetime) -> int:
    with database.transaction() as session:
        dropped = session.execute(
            text("SELECT drop_chunks(CAST(:hypertable AS regclass), older_than => :older_than)"),
            {"hypertable": hypertable, "older_than": older_than},
        )
        return len(dropped.all())


def _delete(database: Database, statement: Delete) -> int:
    with database.transaction() as session:
        result = session.execute(statement.execution_options(synchronize_session=False))
        assert isinstance(result, CursorResult)
        return result.rowcount
