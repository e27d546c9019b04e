"""Asking helpers to come, and what they answer; whoever changes a call holds its incident."""

import secrets
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db import notifications, timers
from db.models import Device, HelperCall, Incident, Message, User
from db.states import CallState, IncidentState, UserStatus
from dispatch import telling
from dispatch.errors import Conflict, Forbidden, NotFound
from dispatch.matching import candidates, waves
from dispatch.matching.candidates import Candidate
from dispatch.matching.waves import Choice
from dispatch.sos import call_rules, places, queries, rules, service, showing, timeline
from dispatch.sos.call_rules import ASKED, COMING, Over, TakenCareOf, Why

TIMER = "helpers_asked"

_ASKING = "sos.helper"
_KEY = "call:"
"""What a helper is told to ask them, and what begins the key of that and of all that follows of it."""

_ASKABLE = frozenset(IncidentState) - {IncidentState.COUNTDOWN, IncidentState.RESOLVED}
_LATE = timedelta(hours=3)
"""How late an answer by SMS is still understood."""
_STILL_OF_USE = timedelta(minutes=10)
"""How long it matters to somebody that they need not come any more."""


# Asking.


def alert_wave(session: Session, incident: Incident, *, wider: bool, at: datetime) -> int:
    """Ask the fewest helpers of whom one will most likely come; says how many, 0 where nobody is left."""
    if incident.canary or incident.merged_into_id is not None or incident.state not in _ASKABLE:
        return 0
    if len(_calls(session, incident, COMING)) >= call_rules.ENOUGH:
        return 0
    ready = candidates.find_ready(session, incident, wider=wider, at=at)
    wave = waves.choose([Choice(each, each.score.chance, each.score.worth_s) for each in ready])
    if not wave:
        return 0
    last = select(func.max(HelperCall.wave)).where(HelperCall.incident_id == incident.id)
    number = (session.scalar(last) or 0) + 1
    asked = [choice.who for choice in wave]
    people = {
        person.id: person
        for person in session.scalars(select(User).where(User.id.in_([each.user_id for each in asked])))
    }
    for each in asked:
        _ask(session, incident, people[each.user_id], each, wave=number, at=at)
    timers.set_timer(session, incident.id, TIMER, due_at=at + call_rules.NEXT_WAVE, at=at)
    chance = round(waves.joint(each.chance for each in wave), 3)
    timeline.record(
        session, incident, "helpers_asked", at=at, wave=number, asked=len(wave), wider=wider, chance=chance
    )
    return len(wave)


def ask_further(session: Session, incident: Incident, *, at: datetime) -> int:
    """Ask those who are left near by, else those of the wider ring; says how many."""
    return alert_wave(session, incident, wider=False, at=at) or alert_wave(
        session, incident, wider=True, at=at
    )


def look_again(session: Session, incident_id: uuid.UUID, *, at: datetime) -> None:
    """Silence that lasted too long is a no; while nobody goes and nobody looks after it, ask further."""
    incident = queries.lock_incident(session, incident_id)
    silent = [call for call in _calls(session, incident, ASKED) if call.until_at <= at]
    for call in silent:
        _end(call, CallState.EXPIRED, why=Why.SILENT, at=at)
    if silent:
        session.flush()
        timeline.record(session, incident, "helpers_silent", at=at, number=len(silent))
    if incident.merged_into_id is not None or not _were_asked(session, incident):
        return
    waits = _calls(session, incident, ASKED)
    wants_more = incident.state == IncidentState.ACTIVE and not _calls(session, incident, COMING)
    is_answering = any(at < call.asked_at + call_rules.NEXT_WAVE for call in waits)
    if wants_more and not is_answering and ask_further(session, incident, at=at):
        return  # which has set the timer
    due = [
        call_rules.next_look_at(asked_at=call.asked_at, until_at=call.until_at, at=at) for call in waits
    ] + ([at + call_rules.LOOK_AGAIN] if wants_more else [])
    if due:
        timers.set_timer(session, incident.id, TIMER, due_at=min(due), at=at)


def _ask(
    session: Session, incident: Incident, person: User, who: Candidate, *, wave: int, at: datetime
) -> None:
    call = HelperCall(
        uuid=uuid.uuid4(),
        incident_id=incident.id,
        helper_id=person.id,
        state=CallState.ALERTED,
        wave=wave,
        asked_at=at,
        until_at=at + call_rules.ANSWER_WITHIN,
        distance_m=who.distance_m,
        eta_s=who.score.eta_s,
        chance=who.score.chance,
        terms=who.score.terms,
        sms_code=str(1_000 + secrets.randbelow(9_000)),
    )
    session.add(call)
    session.flush()
    telling.tell(
        session,
        person,
        _ASKING,
        key=_key(call),
        until_at=call.until_at,
        at=at,
        incident_id=incident.id,
        name=_name(session, incident),
        type=incident.type,
        distance=str(round(who.distance_m)),
        link=places.link(incident),
        code=call.sms_code or "",
    )
    notifications.request(session, "offer", call.uuid, at=at)


def _were_asked(session: Session, incident: Incident) -> bool:
    asked = select(HelperCall.id).where(HelperCall.incident_id == incident.id)
    return session.scalar(asked.limit(1)) is not None


# Answering.


def deliver(session: Session, call_id: uuid.UUID, *, by: int, via: str, at: datetime) -> HelperCall:
    """The helper's phone has shown it: no further channel is asked."""
    _, call = _hold(session, HelperCall.uuid == call_id, by)
    telling.confirm_key(session, by, _key(call), via=via, at=at)
    if call.state == CallState.ALERTED:
        _move(call, CallState.DELIVERED)
        call.delivered_at = at
    return call


def accept(
    session: Session,
    call_id: uuid.UUID,
    *,
    by: int,
    via: str,
    eta_s: int | None = None,
    at: datetime,
) -> HelperCall:
    """A helper goes; TakenCareOf where enough do already. Said again, it is a sign that they are coming."""
    incident, call = _hold(session, HelperCall.uuid == call_id, by)
    _accept(session, incident, call, via=via, eta_s=eta_s, at=at)
    return call


def decline(
    session: Session, call_id: uuid.UUID, *, by: int, via: str, why: str | None = None, at: datetime
) -> HelperCall:
    """A helper does not come; who had said yes before turns back with it."""
    incident, call = _hold(session, HelperCall.uuid == call_id, by)
    _decline(session, incident, call, via=via, why=why, at=at)
    return call


def en_route(
    session: Session, call_id: uuid.UUID, *, by: int, eta_s: int | None = None, at: datetime
) -> HelperCall:
    """A helper has set out; said again, it is a sign that they are coming."""
    incident, call = _hold(session, HelperCall.uuid == call_id, by)
    _require_open(incident)
    if call.state not in COMING:
        call_rules.check_move(call.state, CallState.EN_ROUTE)
    _is_coming(session, incident, call, eta_s=eta_s, at=at)
    if call.state == CallState.ACCEPTED:
        set_out(session, incident, call, at=at)
    return call


def on_scene(session: Session, call_id: uuid.UUID, *, by: int, at: datetime) -> HelperCall:
    """A helper is there."""
    incident, call = _hold(session, HelperCall.uuid == call_id, by)
    if call.state != CallState.ON_SCENE:
        _require_open(incident)
        arrive(session, incident, call, seen=False, at=at)
    return call


def withdraw(
    session: Session, call_id: uuid.UUID, *, by: int, why: str | None = None, at: datetime
) -> HelperCall:
    """A helper turns back; where nobody else goes, the next are asked."""
    incident, call = _hold(session, HelperCall.uuid == call_id, by)
    if call.state != CallState.WITHDRAWN:
        call_rules.check_move(call.state, CallState.WITHDRAWN)
        turn_back(session, incident, call, why=why, at=at)
    return call


def settle(
    session: Session,
    device_id: int,
    frame_id: str,
    *,
    ok: bool,
    eta_s: int | None,
    why: str | None,
    at: datetime,
) -> bool:
    """Take a phone's reply to an offer; False when its owner was never asked under this id."""
    number = frame_id.removeprefix("h")
    if number == frame_id or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        return False
    owner = select(Device.owner_id).where(Device.id == device_id, Device.retired_at.is_(None))
    helper_id = session.scalar(owner)
    if helper_id is None:
        return False
    try:
        incident, call = _hold(session, HelperCall.id == int(number), helper_id)
    except NotFound:
        return False
    if ok:
        _accept(session, incident, call, via="mqtt", eta_s=eta_s, at=at)
    else:
        _decline(session, incident, call, via="mqtt", why=why, at=at)
    return True


def answer_by_sms(
    session: Session, helper_id: int, *, yes: bool, code: str | None, at: datetime
) -> HelperCall:
    """Take an answer by SMS: to the call of this code, else to the only open one, or to the last."""
    own = select(HelperCall.uuid).where(HelperCall.helper_id == helper_id, HelperCall.asked_at > at - _LATE)
    newest_first = own.order_by(HelperCall.asked_at.desc())
    if code is None:
        found = session.scalars(newest_first.where(HelperCall.ended_at.is_(None)).limit(2)).all()
        if len(found) > 1:
            raise Conflict("you are asked to come to several people: say the number behind YES or NO as well")
    else:
        newest_first = newest_first.where(HelperCall.sms_code == code)
        found = []
    found = found or session.scalars(newest_first.limit(1)).all()
    if not found:
        raise NotFound("nobody asked you to come under this number")
    incident, call = _hold(session, HelperCall.uuid == found[0], helper_id)
    if yes:
        _accept(session, incident, call, via="sms", eta_s=None, at=at)
    else:
        _decline(session, incident, call, via="sms", why=None, at=at)
    return call


def _accept(
    session: Session, incident: Incident, call: HelperCall, *, via: str, eta_s: int | None, at: datetime
) -> None:
    if call.state in COMING:
        _is_coming(session, incident, call, eta_s=eta_s, at=at)
        return
    _require_open(incident)
    coming = _calls(session, incident, COMING)
    if len(coming) >= call_rules.ENOUGH:
        raise TakenCareOf
    call_rules.check_accept(call.state, call.why)
    if _goes_elsewhere(session, call):
        raise Conflict("you are on your way to somebody else: turn back there first")
    telling.confirm_key(session, call.helper_id, _key(call), via=via, at=at)
    _move(call, CallState.ACCEPTED)
    call.ended_at = call.why = call.nudged_at = None
    call.answered_at, call.answered_via, call.moved_at = at, via, at
    call.nearest_m = places.distance_m(session, call.helper_id, incident, at=at)
    call.eta_s = call.eta_s if eta_s is None else eta_s
    session.flush()
    detail = {"call": str(call.uuid), "via": via, "eta_s": call.eta_s, "wave": call.wave}
    timeline.record(session, incident, "helper_accepted", by=call.helper_id, at=at, **detail)
    service.responding(session, incident, by=call.helper_id, at=at)
    if len(coming) + 1 >= call_rules.ENOUGH:
        _release(session, incident, at=at)


def _decline(
    session: Session, incident: Incident, call: HelperCall, *, via: str, why: str | None, at: datetime
) -> None:
    if call.state in COMING:
        turn_back(session, incident, call, why=why, at=at)
        return
    telling.confirm_key(session, call.helper_id, _key(call), via=via, at=at)
    if call.state not in ASKED:
        return  # nobody waits for it any more
    call.answered_at, call.answered_via = at, via
    _end(call, CallState.DECLINED, why=why, at=at)
    session.flush()
    detail = {"call": str(call.uuid), "via": via, "why": why}
    timeline.record(session, incident, "helper_declined", by=call.helper_id, at=at, **detail)
    if not _calls(session, incident, ASKED) and not _calls(session, incident, COMING):
        look_again(session, incident.id, at=at)  # all have said no: nothing is to be waited for


def _is_coming(
    session: Session, incident: Incident, call: HelperCall, *, eta_s: int | None, at: datetime
) -> None:
    """Whoever is heard of is on the way."""
    if call.state == CallState.ON_SCENE:
        return
    call.moved_at = at
    if eta_s is not None:
        tell_eta(session, incident, call, eta_s=eta_s, at=at)


def _require_open(incident: Incident) -> None:
    if incident.state == IncidentState.RESOLVED:
        raise Over


def _goes_elsewhere(session: Session, call: HelperCall) -> bool:
    other = select(HelperCall.id).where(
        HelperCall.helper_id == call.helper_id,
        HelperCall.incident_id != call.incident_id,
        HelperCall.ended_at.is_(None),
        HelperCall.state.in_(COMING),
    )
    return session.scalar(other.limit(1)) is not None


def _release(session: Session, incident: Incident, *, at: datetime) -> None:
    """Enough are going: tell the others that it is taken care of."""
    released = _calls(session, incident, ASKED)
    for call in released:
        _end(call, CallState.WITHDRAWN, why=Why.TAKEN_CARE_OF, at=at)
        _tell(session, incident, call, "sos.taken", "taken", at=at)
    session.flush()
    if released:
        timeline.record(session, incident, "helpers_released", at=at, number=len(released))


# What the house sees, or a helper says.


def set_out(session: Session, incident: Incident, call: HelperCall, *, at: datetime) -> None:
    """Somebody who said yes has begun to come."""
    _move(call, CallState.EN_ROUTE)
    call.en_route_at = call.moved_at = at
    session.flush()
    detail = {"call": str(call.uuid), "eta_s": call.eta_s}
    timeline.record(session, incident, "helper_en_route", by=call.helper_id, at=at, **detail)


def arrive(session: Session, incident: Incident, call: HelperCall, *, seen: bool, at: datetime) -> None:
    """Somebody is there: they said so, or were seen there."""
    _move(call, CallState.ON_SCENE)
    call.on_scene_at, call.eta_s = at, 0
    session.flush()
    detail = {"call": str(call.uuid), "seen": seen}
    timeline.record(session, incident, "helper_arrived", by=call.helper_id, at=at, **detail)
    service.on_scene(session, incident, by=call.helper_id, at=at)


def nudge(session: Session, incident: Incident, call: HelperCall, *, at: datetime) -> None:
    """Ask somebody who said yes and comes no nearer whether they are on the way; once in a call."""
    call.nudged_at = at
    session.flush()
    _tell(session, incident, call, "sos.nudge", "nudge", at=at)
    detail = {"call": str(call.uuid)}
    timeline.record(session, incident, "helper_nudged", by=call.helper_id, at=at, **detail)


def give_up(session: Session, incident: Incident, call: HelperCall, *, at: datetime) -> None:
    """Somebody who said yes does not come, as far as can be seen: ask others, as they were told."""
    turn_back(session, incident, call, why=Why.STUCK, at=at)


def turn_back(
    session: Session, incident: Incident, call: HelperCall, *, why: str | None, at: datetime
) -> None:
    """Somebody goes no more; where nobody else does, the next are asked."""
    was_asked_only = call.state in ASKED
    if call.answered_at is None:
        call.answered_at = at
    _end(call, CallState.WITHDRAWN, why=why, at=at)
    session.flush()
    detail = {"call": str(call.uuid), "why": why}
    timeline.record(session, incident, "helper_withdrew", by=call.helper_id, at=at, **detail)
    if was_asked_only or incident.state not in rules.SOMEBODY_GOES:
        return
    coming = _calls(session, incident, COMING)
    if not coming:
        service.nobody_goes(session, incident, at=at)
        ask_further(session, incident, at=at)
    elif incident.state == IncidentState.ON_SCENE:
        service.responding(session, incident, by=coming[0].helper_id, at=at)


def tell_eta(session: Session, incident: Incident, call: HelperCall, *, eta_s: int, at: datetime) -> None:
    """Keep when somebody will be there; everybody is shown it where it changed by more than a little."""
    if call.eta_s is not None and abs(call.eta_s - eta_s) < call_rules.TOLD_ETA_S:
        return
    call.eta_s = eta_s
    session.flush()
    showing.show(session, incident.id, ["eta"], at=at)
    notifications.request(session, "alert", incident.id, at=at)


def end_all(session: Session, incident: Incident, *, why: str, at: datetime) -> None:
    """It is over: whoever was asked, or goes, is told; nobody is waited for."""
    timers.cancel(session, incident.id, TIMER, at=at)
    for call in _calls(session, incident, ASKED | COMING):
        was_there = call.state == CallState.ON_SCENE
        _end(call, CallState.DONE if was_there else CallState.WITHDRAWN, why=why, at=at)
        if not was_there:
            _tell(session, incident, call, "sos.over", "over", at=at)
    session.flush()


# Reading and holding.


def find_helper(session: Session, phone: str) -> int | None:
    """Who answers from this number, if they may."""
    return session.scalar(select(User.id).where(User.phone == phone, User.status == UserStatus.ACTIVE))


def find_told(session: Session, message_id: uuid.UUID) -> HelperCall | None:
    """The call that a message asked its helper to come to."""
    asked = select(Message).where(Message.uuid == message_id, Message.text == _ASKING)
    message = session.scalar(asked)
    if message is None:
        return None
    return session.scalar(
        select(HelperCall).where(HelperCall.uuid == uuid.UUID(message.key.removeprefix(_KEY)))
    )


def _hold(session: Session, which: ColumnElement[bool], helper_id: int) -> tuple[Incident, HelperCall]:
    """A call of this helper's and its incident, both held: the incident first, as everybody does."""
    own = HelperCall.helper_id == helper_id
    while True:
        incident_id = session.scalar(select(HelperCall.incident_id).where(which, own))
        if incident_id is None:
            raise NotFound("there is no such call of yours")
        incident = queries.lock_incident(session, incident_id)
        call = session.scalars(
            select(HelperCall).where(which, own).with_for_update().execution_options(populate_existing=True)
        ).one()
        if call.incident_id == incident.id:  # else it was merged into another meanwhile
            break
    blocked = select(User.id).where(User.id == helper_id, User.status != UserStatus.ACTIVE)
    if session.scalar(blocked) is not None:
        raise Forbidden("this account is blocked")
    return incident, call


def _calls(session: Session, incident: Incident, states: Iterable[CallState]) -> Sequence[HelperCall]:
    return session.scalars(
        select(HelperCall)
        .where(HelperCall.incident_id == incident.id, HelperCall.state.in_(list(states)))
        .order_by(HelperCall.id)
        .with_for_update()
    ).all()


def _move(call: HelperCall, wanted: CallState) -> None:
    call_rules.check_move(call.state, wanted)
    call.state = wanted


def _end(call: HelperCall, wanted: CallState, *, why: str | None, at: datetime) -> None:
    _move(call, wanted)
    call.ended_at, call.why = at, why


def _tell(
    session: Session,
    incident: Incident,
    call: HelperCall,
    text: str,
    what: str,
    *,
    at: datetime,
) -> None:
    """Tell a helper something new of a call; the asking itself is withdrawn where it reached nobody."""
    telling.withdraw_key(session, call.helper_id, _key(call), at=at)
    telling.tell(
        session,
        session.get_one(User, call.helper_id),
        text,
        key=f"{_key(call)}:{what}",
        until_at=at + _STILL_OF_USE,
        at=at,
        incident_id=incident.id,
        name=_name(session, incident),
    )


def _key(call: HelperCall) -> str:
    return f"{_KEY}{call.uuid}"


def _name(session: Session, incident: Incident) -> str:
    """What a helper may call somebody who needs them: their first name is enough to ask for them."""
    wearer = session.get(User, incident.wearer_id) if incident.wearer_id else None
    return (wearer.first_name if wearer else None) or "SOS"
