"""Where an incident is, for somebody who is to go there, and how far they are."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.models import Incident, LastPlace
from dispatch.matching.rules import FRESH
from dispatch.sos import rules

_SHIFT = text("""
    UPDATE helper_calls call
    SET nearest_m = call.nearest_m + (
        SELECT ST_Distance(place.place, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography)
               - ST_Distance(place.place, ST_SetSRID(ST_MakePoint(:was_lon, :was_lat), 4326)::geography)
        FROM last_places place WHERE place.user_id = call.helper_id AND place.at >= :fresh_since)
    WHERE call.incident_id = :incident AND call.ended_at IS NULL AND call.state IN ('accepted', 'en_route')
""")


def move_to(session: Session, incident: Incident, lat: float, lon: float, *, at: datetime) -> None:
    """The wearer is elsewhere: how near anybody came counts from there, so that a follower is seen to come.

    By as much as the wearer moved away from somebody, they may be farther off without having stood still. Of
    whom nobody knows where they are, the next place is a new beginning.
    """
    if incident.state in rules.SOMEBODY_GOES and incident.lat is not None:
        was = {"was_lat": incident.lat, "was_lon": incident.lon, "incident": incident.id}
        session.execute(_SHIFT, was | {"lat": lat, "lon": lon, "fresh_since": at - FRESH})
    incident.lat, incident.lon = lat, lon


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
