"""Where an incident is, for somebody who is to go there, and how far they are."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Incident, LastPlace
from dispatch.matching.rules import FRESH


def distance_m(session: Session, user_id: int, incident: Incident, *, at: datetime) -> float | None:
    """How far somebody is from an incident, as far as both places are known and fresh."""
    if incident.lat is None or incident.lon is None:
        return None
    here = func.geography(func.ST_SetSRID(func.ST_MakePoint(incident.lon, incident.lat), 4326))
    asked = select(func.ST_Distance(LastPlace.place, here)).where(
        LastPlace.user_id == user_id, LastPlace.at >= at - FRESH
    )
    return session.scalar(asked)


def link(incident: Incident) -> str:
    """A map of the place; short, for it stands in an SMS."""
    if incident.lat is None or incident.lon is None:
        return ""
    return f"https://osm.org/?mlat={incident.lat:.5f}&mlon={incident.lon:.5f}"
