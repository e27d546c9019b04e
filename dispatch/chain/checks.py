"""What is ill, as the database shows it; each look is a handful of small queries."""

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from db import work
from db.models import CanaryCall
from dispatch.chain import rules
from dispatch.chain.rules import Finding, Walk

_LATE = text("""
    SELECT CASE WHEN starts_with(kind, :of_orders) THEN 'orders' ELSE 'facts' END AS what, count(*) AS many
    FROM outbox WHERE status = 'waiting' AND created_at < :overdue
    GROUP BY 1
    UNION ALL
    SELECT CASE WHEN starts_with(kind, :of_orders) THEN 'orders' ELSE 'timers' END, count(*)
    FROM timers WHERE status = 'waiting' AND (due_at < :overdue OR attempts >= :attempts)
    GROUP BY 1
    UNION ALL
    SELECT 'orders', count(*) FROM notifications
    WHERE status = 'waiting' AND created_at < :overdue AND kind = ANY(:order_topics)
    UNION ALL
    SELECT 'alerts', count(*) FROM notifications
    WHERE status = 'waiting' AND created_at < :overdue AND kind = ANY(:topics)
    UNION ALL
    SELECT 'messages', count(*) FROM notifications
    WHERE status = 'waiting' AND created_at < :message_overdue AND kind = ANY(:people)
""")
_TOPICS = ["alert", "state", "cmd", "config", "offer", "system"]
_ORDER_TOPICS = [work.of_orders(kind) for kind in ("alert", "offer")]
_PEOPLE = ["push", "sms", "mail"]
_ORDER_PEOPLE = [work.of_orders(kind) for kind in _PEOPLE]

_ASKED = """
    FROM incidents incident
    WHERE incident.state = 'active' AND incident.merged_into_id IS NULL AND NOT incident.canary
"""
_NOBODY = text(
    "SELECT incident.region, count(*) AS many"  # noqa: S608 - constants
    + _ASKED
    + """
      AND NOT EXISTS (
        SELECT FROM users person JOIN user_roles granted ON granted.user_id = person.id
        WHERE person.status = 'active' AND granted.role IN ('dispatcher', 'admin')
          AND (incident.region = 'default' OR person.alert_regions IS NULL
               OR incident.region = ANY(person.alert_regions)))
    GROUP BY incident.region
"""
)
_UNANSWERED = text(
    "SELECT incident.region, count(*) AS many"  # noqa: S608 - constants
    + _ASKED
    + """
      AND :asked_before > (
        SELECT coalesce(max(event.at), incident.opened_at) FROM incident_events event
        WHERE event.incident_id = incident.id
          AND event.kind IN ('opened', 'activated', 'reopened', 'unmerged', 'acknowledgement_lapsed'))
    GROUP BY incident.region
"""
)
_SILENT = text("""
    SELECT incident.region, count(*) AS many FROM incidents incident
    WHERE incident.state <> 'resolved' AND incident.signal_lost
    GROUP BY incident.region
""")
_REFUSED = text("""
    SELECT replace(request.kind, :of_orders, '') AS kind, count(*) AS many
    FROM deliveries attempt JOIN notifications request ON request.id = attempt.notification_id
    WHERE attempt.at > :since AND request.kind = ANY(:people)
    GROUP BY 1
    HAVING count(*) >= :least AND NOT bool_or(attempt.ok)
""")


def find(session: Session, *, canary: bool, at: datetime) -> list[Finding]:
    """All that is ill by what the database holds; canary calls count while they are made."""
    return [
        *_late(session, at),
        *_of_regions(session, at),
        *_refused(session, at),
        *(rules.judge_walks(newest_walks(session)) if canary else ()),
    ]


def disk(folder: Path) -> list[Finding]:
    """Whether the disk on which the data lies is nearly full."""
    usage = shutil.disk_usage(folder)
    if not rules.is_nearly_full(free_bytes=usage.free, total_bytes=usage.total):
        return []
    return [
        Finding("disk", "the disk is nearly full; when it is, nothing is stored and nothing acknowledged")
    ]


def newest_walks(session: Session) -> list[Walk]:
    """The last canary calls, the newest first."""
    calls = session.scalars(select(CanaryCall).order_by(CanaryCall.sent_at.desc()).limit(rules.LOOKS))
    return [
        Walk(
            sent_at=call.sent_at,
            acknowledged_at=call.acknowledged_at,
            alerted_at=call.alerted_at,
            telemetry_at=call.telemetry_at,
            failed=call.trouble if call.acknowledged_at is None else None,
        )
        for call in calls
    ]


def _late(session: Session, at: datetime) -> list[Finding]:
    asked = {
        "overdue": at - rules.OVERDUE,
        "message_overdue": at - rules.MESSAGE_OVERDUE,
        "attempts": rules.MOST_ATTEMPTS,
        "topics": _TOPICS,
        "people": _PEOPLE + _ORDER_PEOPLE,
        "of_orders": work.ORDERS,
        "order_topics": _ORDER_TOPICS,
    }
    late = {row.what for row in session.execute(_LATE, asked) if row.many}
    said = {
        "dispatch-late": ({"facts", "timers"}, "nobody reacts in time: escalations and countdowns are late"),
        "notifier-late": ({"alerts"}, "alerts and device states are published late"),
        "messages-late": ({"messages"}, "messages to people are sent late"),
        "orders-late": ({"orders"}, "nobody looks after orders in time: offers and their deadlines are late"),
    }
    return [Finding(what, message) for what, (kinds, message) in said.items() if kinds & late]


def _of_regions(session: Session, at: datetime) -> list[Finding]:
    nobody = session.execute(_NOBODY).all()
    waiting = session.execute(_UNANSWERED, {"asked_before": at - rules.UNANSWERED}).all()
    silent = session.execute(_SILENT).all()
    return [
        *_in_each(nobody, "no-dispatcher", "no active dispatcher may see: {}"),
        *_in_each(waiting, "unanswered", "nobody has answered: {}"),
        *_in_each(silent, "signal-lost", "the device is not heard any more: {}"),
    ]


def _in_each(rows: Sequence[Row[Any]], what: str, message: str) -> list[Finding]:
    def calls(many: int) -> str:
        return "1 call for help" if many == 1 else f"{many} calls for help"

    return [Finding(what, message.format(calls(row.many)), row.region) for row in rows]


def _refused(session: Session, at: datetime) -> list[Finding]:
    asked = {
        "since": at - rules.REFUSED_WITHIN,
        "people": _PEOPLE + _ORDER_PEOPLE,
        "of_orders": work.ORDERS,
        "least": rules.LEAST_REFUSED,
    }
    rows = session.execute(_REFUSED, asked)
    return [Finding(f"{row.kind}-refused", f"{row.kind} takes nothing: every attempt fails") for row in rows]
