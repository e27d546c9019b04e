"""Saying that something is ill, once for as long as it lasts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import notifications
from db.models import SystemAlert
from dispatch.chain.rules import Finding, Key, Patience

CHANNEL = "system"


def settle(session: Session, patience: Patience, found: Sequence[Finding], *, at: datetime) -> list[str]:
    """Open, change and close alerts after one look; returns what is said to be ill now."""
    standing = {
        (alert.region, alert.what): alert
        for alert in session.scalars(select(SystemAlert).where(SystemAlert.ended_at.is_(None)))
    }
    findings: dict[Key, Finding] = {finding.key: finding for finding in found}
    begun, ended = patience.judge(findings.keys(), standing.keys())
    for key in begun:
        standing[key] = alert = SystemAlert(
            region=key[0], what=key[1], message=findings[key].message, since=at
        )
        session.add(alert)
        session.flush()
        _tell(session, alert, at)
    for key in ended:
        alert = standing.pop(key)
        alert.ended_at = at
        _tell(session, alert, at)
    for key, alert in standing.items():
        if key in findings and alert.message != findings[key].message:
            alert.message = findings[key].message
            _tell(session, alert, at)
    return sorted(what for _, what in standing)


def _tell(session: Session, alert: SystemAlert, at: datetime) -> None:
    notifications.request(session, CHANNEL, alert.uuid, at=at)
