"""What a guardian is shown of an incident: enough not to be afraid, nothing that is not theirs to know."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.live.words import WORDS, Words, ago, spoken
from db.models import Contact, HelperCall, Incident, IncidentEvent, LiveLink
from db.states import CallState, IncidentState, Outcome
from dispatch.errors import NotFound

REMEMBERED = timedelta(days=1)
"""For how long after the end a link still says how it ended."""

_GOING = (CallState.ACCEPTED, CallState.EN_ROUTE, CallState.ON_SCENE)
_STATIONS = ("called", "seen", "going", "there")
_REACHED = {
    IncidentState.COUNTDOWN: 0,
    IncidentState.ACTIVE: 0,
    IncidentState.ACKNOWLEDGED: 1,
    IncidentState.RESPONDING: 2,
    IncidentState.ON_SCENE: 3,
}


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the page shows, in words; what is None is not shown."""

    language: str
    over: bool
    well: bool  # not where the end leaves one worrying
    exercise: str | None
    state: str
    headline: str
    lede: str
    stations: list[str]
    reached: int
    since: str | None
    place: str | None
    place_note: str | None
    geo: str | None
    signal: str | None
    battery: str | None
    coming: list[dict[str, str]]
    spoke: str | None
    said: str | None

    def told(self) -> dict[str, Any]:
        """As the page asks for it again and again."""
        return {name: getattr(self, name) for name in self.__slots__}


def look(session: Session, link: LiveLink, *, at: datetime) -> View:
    """An incident as the guardian of a link sees it now."""
    incident = _get(session, link)
    # The one that speaks for it knows who comes; where its wearer is, it knows itself.
    speaker = incident
    if incident.merged_into_id is not None and incident.state != IncidentState.RESOLVED:
        speaker = session.get_one(Incident, incident.merged_into_id)
    contact = session.get(Contact, link.contact_id) if link.contact_id is not None else None
    language = spoken(contact.language if contact else "")
    words = WORDS[language]
    full_name = incident.wearer.full_name if incident.wearer else ""
    name = next(iter(full_name.split()), incident.device.uid)
    exercise = words["exercise"] if incident.exercise else None
    if incident.state == IncidentState.RESOLVED:
        return _ended(incident, language, name, exercise, at)
    place, note, geo = _place(incident, words, at)
    return View(
        language=language,
        over=False,
        well=False,
        exercise=exercise,
        state=speaker.state.value,
        headline=words["headline"].format(name=name),
        lede=words[f"lede.{speaker.state}"],
        stations=[words[f"step.{each}"] for each in _STATIONS],
        reached=_REACHED[speaker.state],
        since=ago(words, at - incident.opened_at),
        place=place,
        place_note=note,
        geo=geo,
        signal=words["signal"] if incident.signal_lost else None,
        battery=None if incident.battery_pct is None else f"{incident.battery_pct} %",
        coming=_coming(session, speaker, words, at),
        spoke=words["spoke"].format(name=name),
        said=_said(session, incident, contact, words, at),
    )


def _get(session: Session, link: LiveLink) -> Incident:
    wanted = select(Incident).where(Incident.id == link.incident_id)
    incident = session.scalar(wanted.options(joinedload(Incident.device), joinedload(Incident.wearer)))
    if incident is None:
        raise NotFound("there is no such incident")
    return incident


def _ended(incident: Incident, language: str, name: str, exercise: str | None, at: datetime) -> View:
    words = WORDS[language]
    known = incident.resolved_at is not None and at - incident.resolved_at < REMEMBERED
    how = f"over.{incident.outcome}" if known and incident.outcome else "over.none"
    return View(
        language=language,
        over=True,
        well=incident.outcome != Outcome.UNREACHABLE,
        exercise=exercise,
        state=incident.state.value,
        headline=words["over"],
        lede=words[how].format(name=name),
        stations=[],
        reached=0,
        since=None,
        place=None,
        place_note=None,
        geo=None,
        signal=None,
        battery=None,
        coming=[],
        spoke=None,
        said=None,
    )


def _place(incident: Incident, words: Words, at: datetime) -> tuple[str, str | None, str | None]:
    if incident.lat is None or incident.lon is None:
        return words["place.none"], None, None
    notes = []
    if incident.position_at is not None:
        notes.append(ago(words, at - incident.position_at))
    if incident.accuracy_m is not None:
        notes.append(words["within"].format(metres=max(round(incident.accuracy_m), 1)))
    place = f"{incident.lat:.5f}, {incident.lon:.5f}"
    point = f"{incident.lat:.6f},{incident.lon:.6f}"
    return place, ", ".join(notes) or None, f"geo:{point}?q={quote(point)}"


def _coming(session: Session, incident: Incident, words: Words, at: datetime) -> list[dict[str, str]]:
    calls = session.scalars(
        select(HelperCall)
        .where(
            HelperCall.incident_id == incident.id,
            HelperCall.state.in_(_GOING),
            HelperCall.ended_at.is_(None),
        )
        .options(joinedload(HelperCall.helper))
        .order_by(HelperCall.answered_at, HelperCall.id)
    )
    return [
        {
            "name": next(iter(call.helper.full_name.split()), words["helper"]),
            "how": _how(call, words, at),
        }
        for call in calls
    ]


def _how(call: HelperCall, words: Words, at: datetime) -> str:
    if call.state == CallState.ON_SCENE:
        return words["there"]
    if call.eta_s is None:
        return words["en_route"]
    left = (call.answered_at or call.asked_at) + timedelta(seconds=call.eta_s) - at
    return words["eta"].format(minutes=max(-(-int(left.total_seconds()) // 60), 1))


def _said(
    session: Session, incident: Incident, contact: Contact | None, words: Words, at: datetime
) -> str | None:
    if contact is None:
        return None
    spoken_last = session.scalar(
        select(IncidentEvent)
        .where(
            IncidentEvent.incident_id == incident.id,
            IncidentEvent.kind == "guardian_spoke",
            IncidentEvent.detail["contact_id"].astext == str(contact.uuid),
        )
        .order_by(IncidentEvent.id.desc())
        .limit(1)
    )
    if spoken_last is None:
        return None
    return words[f"said.{spoken_last.detail['words']}"].format(ago=ago(words, at - spoken_last.at))
