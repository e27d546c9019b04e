"""Asking helpers and what they answer, on a real database."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from db.models import HelperCall, Incident, IncidentEvent, Message, Notification, Timer, User
from db.session import Database
from db.states import CallState, IncidentState, Outcome, Role, UserStatus, WorkStatus
from dispatch.errors import Conflict, NotFound
from dispatch.sos import call_rules, calls, queries, receipts, service
from dispatch.sos.call_rules import Over, TakenCareOf
from tests.builders import NOON, TASHKENT, incident_of, make_device, make_user, report
from tests.helping import accept, ask, call_of, make_helper, make_phone, settle, stand
from tests.integration.dispatch.stories import told
from tests.integration.dispatch.test_watching import move
from tests.maps import METRE

SECOND = timedelta(seconds=1)
C = CallState


def opened(database: Database, at: datetime = NOON, **said: object) -> service.Reported:
    wearer = make_user(database, name="Aziza Karimova")
    return report(database, make_device(database, wearer), at=at, **(TASHKENT | {"type": "fall"} | said))


def kinds(database: Database, incident_id: UUID) -> list[str]:
    with database.transaction() as session:
        lines = select(IncidentEvent.kind).where(IncidentEvent.incident_id == incident_id)
        return list(session.scalars(lines.order_by(IncidentEvent.id)))


def keys(database: Database, helper_id: int) -> dict[str, str]:
    """What a helper was told, by its text."""
    with database.transaction() as session:
        told = session.scalars(select(Message).where(Message.user_id == helper_id)).all()
        return {message.text: message.key for message in told}


def waiting(database: Database, incident_id: UUID) -> dict[str, datetime]:
    with database.transaction() as session:
        rows = select(Timer).where(Timer.subject == incident_id, Timer.status == WorkStatus.WAITING)
        return {timer.kind: timer.due_at for timer in session.scalars(rows)}


def test_a_helper_who_is_asked_is_told_and_offered_it(database: Database) -> None:
    helper, incident = make_helper(database), opened(database).incident_id
    assert ask(database, incident) == 1
    call = call_of(database, helper)
    assert (call.state, call.wave, call.until_at) == (C.ALERTED, 1, NOON + call_rules.ANSWER_WITHIN)
    assert keys(database, helper.id) == {"sos.helper": f"call:{call.uuid}"}
    with database.transaction() as session:
        offered = select(Notification).where(Notification.kind == "offer", Notification.subject == call.uuid)
        assert len(session.scalars(offered).all()) == 1
    assert kinds(database, incident)[-1] == "helpers_asked"


def test_asked_again_the_next_are_asked_and_nobody_twice(database: Database) -> None:
    helpers = [make_helper(database, metres=100 + number) for number in range(15)]
    incident = opened(database).incident_id
    first = ask(database, incident)
    assert 1 < first <= 12
    assert ask(database, incident, at=NOON + SECOND) == 15 - first
    assert ask(database, incident, at=NOON + 2 * SECOND) == 0
    with database.transaction() as session:
        asked = session.scalars(select(HelperCall.helper_id)).all()
    assert sorted(asked) == sorted(helper.id for helper in helpers)


def test_nobody_is_asked_by_the_chain_that_tries_itself(database: Database) -> None:
    make_helper(database)
    incident = opened(database).incident_id
    with database.transaction() as session:
        session.get_one(Incident, incident).canary = True
    assert ask(database, incident) == 0


def test_a_yes_is_a_persons_answer(database: Database) -> None:
    helper, reported = make_helper(database), opened(database)
    ask(database, reported.incident_id)
    accept(database, helper, at=NOON + 5 * SECOND)
    incident, call = incident_of(database, reported), call_of(database, helper)
    assert incident.state == IncidentState.RESPONDING
    assert (call.state, call.answered_at, call.answered_via) == (C.ACCEPTED, NOON + 5 * SECOND, "http")
    assert "escalation" not in waiting(database, incident.id)
    with database.transaction() as session:
        told = session.scalars(select(Message).where(Message.user_id == helper.id)).one()
        assert told.confirmed_via == "http"
    before = kinds(database, incident.id)
    accept(database, helper, at=NOON + 6 * SECOND)
    assert kinds(database, incident.id) == before


def test_two_are_enough_and_the_others_are_told_so(database: Database) -> None:
    helpers = [make_helper(database, metres=100 + number) for number in range(4)]
    incident = opened(database).incident_id
    ask(database, incident)
    accept(database, helpers[0])
    accept(database, helpers[1])
    for other in helpers[2:]:
        assert (call_of(database, other).state, call_of(database, other).why) == (
            C.WITHDRAWN,
            "taken care of",
        )
        assert "sos.taken" in keys(database, other.id)
        with pytest.raises(TakenCareOf):
            accept(database, other, at=NOON + SECOND)
    assert ask(database, incident) == 0


def test_who_was_sent_home_may_come_after_all_when_one_of_two_turned_back(database: Database) -> None:
    helpers = [make_helper(database, metres=100 + number) for number in range(3)]
    incident = opened(database).incident_id
    ask(database, incident)
    first = accept(database, helpers[0])
    accept(database, helpers[1])
    with database.transaction() as session:
        calls.withdraw(session, first.uuid, by=helpers[0].id, why="flat tyre", at=NOON + SECOND)
    assert accept(database, helpers[2], at=NOON + 2 * SECOND).state == C.ACCEPTED
    assert call_of(database, helpers[2]).ended_at is None


def test_silence_is_a_no_and_a_late_yes_a_yes(database: Database) -> None:
    helper, reported = make_helper(database), opened(database)
    ask(database, reported.incident_id)
    later = NOON + call_rules.ANSWER_WITHIN
    settle(database, later)
    assert call_of(database, helper).state == C.EXPIRED
    accept(database, helper, at=later + SECOND)
    assert call_of(database, helper).state == C.ACCEPTED
    assert incident_of(database, reported).state == IncidentState.RESPONDING


def test_a_wave_that_says_nothing_is_followed_by_the_next_and_then_by_the_wider_ring(
    database: Database,
) -> None:
    near = make_helper(database, metres=200)
    incident = opened(database).incident_id
    assert ask(database, incident) == 1
    beside = make_helper(database, metres=300, at=NOON + 40 * SECOND)
    far = make_helper(database, metres=5_000, radius_m=1_000, at=NOON + 80 * SECOND)
    settle(database, NOON + call_rules.NEXT_WAVE)
    assert (call_of(database, beside).wave, call_of(database, near).state) == (2, C.ALERTED)
    settle(database, NOON + 2 * call_rules.NEXT_WAVE)
    assert call_of(database, far).wave == 3


def test_while_a_dispatcher_looks_after_it_no_further_wave_is_asked_by_itself(database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    make_helper(database)
    incident = opened(database).incident_id
    ask(database, incident)
    other = make_helper(database, at=NOON + 40 * SECOND)
    with database.transaction() as session:
        service.acknowledge(session, incident, by=desk.id, at=NOON + SECOND)
    settle(database, NOON + call_rules.NEXT_WAVE)
    with database.transaction() as session:
        assert session.scalar(select(HelperCall.id).where(HelperCall.helper_id == other.id)) is None


def test_when_all_have_said_no_the_next_are_asked_at_once(database: Database) -> None:
    helper, incident = make_helper(database), opened(database).incident_id
    ask(database, incident)
    other = make_helper(database, at=NOON)
    with database.transaction() as session:
        call = call_of(database, helper)
        calls.decline(session, call.uuid, by=helper.id, via="http", why="ill", at=NOON + SECOND)
    assert (call_of(database, helper).state, call_of(database, helper).why) == (C.DECLINED, "ill")
    assert call_of(database, other).wave == 2


def test_when_the_last_one_turns_back_people_are_asked_again(database: Database) -> None:
    helper, reported = make_helper(database), opened(database)
    ask(database, reported.incident_id)
    call = accept(database, helper)
    other = make_helper(database)
    with database.transaction() as session:
        calls.withdraw(session, call.uuid, by=helper.id, why="my child is ill", at=NOON + SECOND)
    assert incident_of(database, reported).state == IncidentState.ACTIVE
    assert "escalation" in waiting(database, reported.incident_id)
    assert call_of(database, other).state == C.ALERTED


def test_who_is_on_the_way_to_somebody_cannot_promise_to_come_to_another(database: Database) -> None:
    helper = make_helper(database)
    first, second = opened(database).incident_id, opened(database).incident_id
    ask(database, first)
    stand(database, helper, 200, at=NOON + call_rules.ANSWER_WITHIN)
    settle(database, NOON + call_rules.ANSWER_WITHIN)  # silence was a no, and the second call asks them
    assert call_of(database, helper).incident_id == second
    accept(database, helper, at=NOON + call_rules.ANSWER_WITHIN)
    with database.transaction() as session:
        old = session.scalars(select(HelperCall).where(HelperCall.incident_id == first)).one()
        with pytest.raises(Conflict, match="somebody else"):
            calls.accept(session, old.uuid, by=helper.id, via="http", at=NOON + 100 * SECOND)


def test_when_it_is_over_everybody_is_told_and_nobody_can_accept_any_more(database: Database) -> None:
    going, there, asked = (make_helper(database, metres=100 + number) for number in range(3))
    desk, incident = make_user(database, Role.DISPATCHER), opened(database).incident_id
    ask(database, incident)
    accept(database, going)
    call = accept(database, there)
    with database.transaction() as session:
        calls.on_scene(session, call.uuid, by=there.id, at=NOON + 9 * SECOND)
        service.resolve(session, incident, by=desk.id, outcome=Outcome.ASSISTED, at=NOON + 10 * SECOND)
    settle(database, NOON + 10 * SECOND)
    assert [call_of(database, each).state for each in (going, there, asked)] == [
        *(C.WITHDRAWN, C.DONE, C.WITHDRAWN)
    ]
    assert "sos.over" in keys(database, going.id)
    with pytest.raises(Over):
        accept(database, going, at=NOON + 11 * SECOND)


def test_another_ones_call_is_not_there(database: Database) -> None:
    helper, thief = make_helper(database), make_helper(database, metres=90_000)
    ask(database, opened(database).incident_id)
    call = call_of(database, helper)
    with database.transaction() as session, pytest.raises(NotFound):
        calls.accept(session, call.uuid, by=thief.id, via="http", at=NOON)


def test_a_phone_that_has_shown_it_needs_no_further_channel(database: Database) -> None:
    helper, incident = make_helper(database), opened(database).incident_id
    ask(database, incident)
    with database.transaction() as session:
        calls.deliver(session, call_of(database, helper).uuid, by=helper.id, via="push", at=NOON + SECOND)
    assert (call_of(database, helper).state, call_of(database, helper).delivered_at) == (
        *(C.DELIVERED, NOON + SECOND),
    )
    with database.transaction() as session:
        assert session.scalars(select(Message.confirmed_via)).one() == "push"


# On the way.


def test_a_helper_who_accepts_and_does_not_move_is_nudged_and_then_others_are_asked(
    database: Database,
) -> None:
    helper, reported = make_helper(database, metres=400), opened(database)
    ask(database, reported.incident_id)
    accept(database, helper)
    for second in range(0, 61, 20):
        stand(database, helper, 400, at=NOON + second * SECOND)
        settle(database, NOON + second * SECOND)
    assert "sos.nudge" in keys(database, helper.id)
    assert call_of(database, helper).state == C.ACCEPTED
    other = make_helper(database, metres=600, at=NOON + 100 * SECOND)
    settle(database, NOON + 120 * SECOND)
    call = call_of(database, helper)
    assert (call.state, call.why) == (C.WITHDRAWN, "came no nearer")
    assert incident_of(database, reported).state == IncidentState.ACTIVE
    assert call_of(database, other).wave == 2
    told = kinds(database, reported.incident_id)
    assert told.index("helper_nudged") < told.index("helper_withdrew") < len(told) - 1


def test_a_helper_who_comes_nearer_is_left_alone_until_they_are_there(database: Database) -> None:
    helper, reported = make_helper(database, metres=400), opened(database)
    ask(database, reported.incident_id)
    accept(database, helper)
    first = call_of(database, helper).eta_s
    for step in range(1, 8):
        at = NOON + 30 * step * SECOND
        stand(database, helper, 400 - 50 * step, at=at)
        settle(database, at)
        if step == 3:
            assert call_of(database, helper).state == C.EN_ROUTE
            now = call_of(database, helper).eta_s
            assert now is not None
            assert first is not None
            assert now < first
    call = call_of(database, helper)
    assert (call.state, call.on_scene_at) == (C.ON_SCENE, NOON + 210 * SECOND)
    assert incident_of(database, reported).state == IncidentState.ON_SCENE
    told = kinds(database, reported.incident_id)
    assert "helper_nudged" not in told
    assert "helper_arrived" in told


def test_a_watch_is_told_when_its_helper_will_be_there_sooner(database: Database) -> None:
    helper, reported = make_helper(database, metres=1_500), opened(database)
    ask(database, reported.incident_id)
    accept(database, helper)
    settle(database, NOON)
    before = told(database, reported)
    call = call_of(database, helper)
    with database.transaction() as session:
        incident = queries.lock_incident(session, reported.incident_id)
        calls.tell_eta(session, incident, session.get_one(HelperCall, call.id), eta_s=30, at=NOON)
    assert told(database, reported) == before + 1


@pytest.mark.parametrize("way", ["app", "sms", "mqtt"])
def test_a_message_that_reached_its_helper_is_a_call_delivered(database: Database, way: str) -> None:
    helper = make_helper(database)
    phone = make_phone(database, helper, "phone-of-the-helper")
    ask(database, opened(database).incident_id)
    for at in (NOON + SECOND, NOON + 2 * SECOND):  # the second time changes nothing
        with database.transaction() as session:
            message = session.scalars(select(Message)).one()
            match way:
                case "app":
                    assert receipts.confirm(session, message.uuid, via="app", by=helper.id, at=at)
                case "sms":
                    receipts.receive(session, message.uuid, "sms", said="delivered", at=at)
                case "mqtt":
                    assert receipts.confirm_reply(session, phone.id, f"m{message.id}", at=at)
    call = call_of(database, helper)
    assert (call.state, call.delivered_at) == (C.DELIVERED, NOON + SECOND)
    with database.transaction() as session:
        assert session.scalars(select(Message.confirmed_via)).one() == way


def test_what_follows_of_a_call_delivers_nothing(database: Database) -> None:
    helper, incident = make_helper(database), opened(database).incident_id
    ask(database, incident)
    accept(database, helper)
    settle(database, NOON + 61 * SECOND)
    with database.transaction() as session:
        nudge = session.scalars(select(Message.uuid).where(Message.text == "sos.nudge")).one()
        receipts.confirm(session, nudge, via="app", by=helper.id, at=NOON + 62 * SECOND)
    assert (call_of(database, helper).state, call_of(database, helper).delivered_at) == (C.ACCEPTED, None)


@pytest.mark.parametrize("by", ["another", "who is blocked"])
def test_a_message_of_whom_may_not_come_or_of_another_delivers_no_call(database: Database, by: str) -> None:
    helper, other = make_helper(database), make_user(database)
    ask(database, opened(database).incident_id)
    with database.transaction() as session:
        message = session.scalars(select(Message.uuid)).one()
        if by == "who is blocked":
            session.get_one(User, helper.id).status = UserStatus.BLOCKED
            asks = helper.id
        else:
            asks = other.id
    with database.transaction() as session:
        receipts.confirm(session, message, via="app", by=asks, at=NOON + SECOND)
    assert call_of(database, helper).state == C.ALERTED


@pytest.mark.parametrize(("follows", "said"), [(True, "helper_en_route"), (False, "helper_nudged")])
@pytest.mark.parametrize("towards", [-1, 1])
@pytest.mark.parametrize("presses", [False, True])
def test_who_follows_a_wearer_that_moves_is_coming_and_who_stands_still_is_not(
    database: Database, follows: bool, said: str, towards: int, presses: bool
) -> None:
    wearer = make_device(database, make_user(database, name="Aziza Karimova"))
    helper, reported = make_helper(database, metres=400), report(database, wearer, **TASHKENT)
    ask(database, reported.incident_id)
    accept(database, helper)
    for step in range(1, 9):
        at = NOON + 10 * step * SECOND
        north_m = towards * 9 * step
        if presses:
            report(database, wearer, at=at, **TASHKENT | {"lat": TASHKENT["lat"] + north_m * METRE})
        else:
            move(database, wearer, at, north_m)
        stand(database, helper, 400 - follows * 9 * step, at=at)
        settle(database, at + SECOND)
    told = kinds(database, reported.incident_id)
    assert [kind for kind in told if kind in ("helper_en_route", "helper_nudged")] == [said]


def test_of_whom_nothing_was_heard_while_the_wearer_moved_the_next_place_is_a_sign(
    database: Database,
) -> None:
    wearer = make_device(database, make_user(database, name="Aziza Karimova"))
    helper, reported = make_helper(database, metres=400), report(database, wearer, **TASHKENT)
    ask(database, reported.incident_id)
    call = accept(database, helper)
    for minutes in range(1, 6):
        at = NOON + 60 * minutes * SECOND
        with database.transaction() as session:  # who has no signal may still have a telephone
            calls.en_route(session, call.uuid, by=helper.id, at=at)
        move(database, wearer, at, -200 * minutes)
        settle(database, at)
    stand(database, helper, 300, at=at + SECOND)
    settle(database, at + SECOND)
    call = call_of(database, helper)
    assert call.moved_at == at + SECOND
    assert call.nearest_m == pytest.approx(1_300, abs=5)


def test_who_answers_the_nudge_has_time_again(database: Database) -> None:
    helper, reported = make_helper(database, metres=400), opened(database)
    ask(database, reported.incident_id)
    call = accept(database, helper)
    settle(database, NOON + 60 * SECOND)
    with database.transaction() as session:
        calls.en_route(session, call.uuid, by=helper.id, at=NOON + 70 * SECOND)
    settle(database, NOON + 125 * SECOND)
    assert call_of(database, helper).state == C.EN_ROUTE
