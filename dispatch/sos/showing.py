"""What a wearer's device is told of its call."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from db import notifications
from db.models import Device, Incident
from db.states import IncidentState

_UNSEEN = frozenset(
    {
        *("asked", "escalated", "scene_asked_after"),
        *("helpers_asked", "helpers_silent", "helpers_released", "helper_declined", "helper_nudged"),
        *("merge_proposed", "merge_dismissed", "heard_of_merged"),
        *("signal_lost", "signal_found", "guardian_spoke", "noted"),
    }
)
"""What changes nothing of what a device shows: a watch that is not woken for it lasts longer."""


def show(session: Session, incident_id: uuid.UUID, whats: Collection[str], *, at: datetime) -> None:
    """Have the device of an incident, and those of the incidents it speaks for, told how it stands.

    A device that was shown an end after a duress pin hears as little from then on as after a real one.
    """
    if _UNSEEN.issuperset(whats):
        return
    merged = (Incident.merged_into_id == incident_id) & (Incident.state != IncidentState.RESOLVED)
    heard: ColumnElement[bool] = Incident.shown.is_(None)
    if "cancelled_under_duress" in whats:
        heard = or_(heard, Incident.id == incident_id)
    told = select(Device.uuid).join(Incident).where(or_(Incident.id == incident_id, merged), heard)
    for device in session.scalars(told).all():
        notifications.request(session, "state", device, at=at)
