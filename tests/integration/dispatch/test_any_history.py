"""Random histories of calls for help, with a clock of their own, against what must hold in each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from db import work
from db.models import DeviceLast, Helper, HelperCall, Incident, Message, Notification, Timer
from db.session import Database
from db.states import IncidentState, Outcome, Role, WorkStatus
from dispatch import relay
from dispatch.errors import DomainError
from dispatch.sos import call_rules, calls, cancelling, desk, merge, pins, rules, service
from tests.builders import NOON, TASHKENT, make_device, make_user, press
from tests.conftest import empty
from tests.helping import make_helper, stand
from tests.maps import METRE
from tests.watchers import make_contact

PIN, DURESS_PIN = "4711", "0815"
NEXT_STEPS = {"countdown", "escalation", "ack_lease", "scene_check", "helpers_asked"}
MOVES: dict[str, dict[str, set[str]]] = {
    table: {str(former): {str(now) for now in allowed} for former, allowed in moves.items()}
    for table, moves in (("incidents", rules.MOVES), ("helper_calls", call_rules.MOVES))
}

_WATCH_STATES = """
    CREATE TABLE state_moves (what text, former text, now text);
    CREATE FUNCTION keep_move() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO state_moves VALUES (TG_TABLE_NAME, OLD.state, NEW.state); RETURN NEW; END $$;
    CREATE TRIGGER keep_move AFTER UPDATE OF state ON incidents FOR EACH ROW
        WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION keep_move();
    CREATE TRIGGER keep_move AFTER UPDATE OF state ON helper_calls FOR EACH ROW
        WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION keep_move();
"""
_LOOK_AWAY = """
    DROP TRIGGER keep_move ON incidents; DROP TRIGGER keep_move ON helper_calls;
    DROP FUNCTION keep_move; DROP TABLE state_moves;
"""


Act = Callable[["History"], None]


@contextmanager
def watched(database: Database) -> Iterator[None]:
    """Have the database itself write down each move of a state."""
    with database.transaction() as session:
        session.execute(text(_WATCH_STATES))
    try:
        yield
    finally:
        with database.transaction() as session:
            session.execute(text(_LOOK_AWAY))


class History:
    """Two wearers near each other, two desks, three helpers, a guardian; and time, which passes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        empty(database)
        self.at: datetime = NOON
        self.wearers = [make_user(self.database, name=name) for name in ("Nodira", "Timur")]
        self.devices = [make_device(self.database, wearer) for wearer in self.wearers]
        self.desks = [make_user(self.database, Role.DISPATCHER) for _ in range(2)]
        self.helpers = [make_helper(self.database, metres=200 + 400 * number) for number in range(3)]
        make_contact(self.database, self.wearers[0])
        with self.database.transaction() as session:
            pins.set_pins(session, self.wearers[0].id, pin=PIN, duress_pin=DURESS_PIN, at=NOON)

    # What people and devices do.

    def press(self, which: int, hold_s: int | None) -> None:
        said: dict[str, Any] = TASHKENT | {"hold_s": hold_s}
        self.do(lambda s: service.report(s, self.devices[which].id, press=press(**said), at=self.at))

    def cancel(self, which: int, pin: str | None) -> None:
        device = self.devices[which].id
        self.do(lambda s: cancelling.cancel(s, device, frame_id="cancel", pin=pin, at=self.at))

    def acknowledge(self, which: int, who: int) -> None:
        self.to(which, lambda s, i: service.acknowledge(s, i, by=self.desks[who].id, at=self.at))

    def note(self, which: int) -> None:
        self.to(which, lambda s, i: desk.note(s, i, text="rang back", by=self.desks[0].id, at=self.at))

    def reassign(self, which: int, to: int) -> None:
        new = self.desks[to].uuid
        self.to(which, lambda s, i: desk.reassign(s, i, to=new, by=self.desks[0].id, at=self.at))

    def resolve(self, which: int, outcome: Outcome) -> None:
        by = self.desks[0].id
        self.to(which, lambda s, i: service.resolve(s, i, by=by, outcome=outcome, at=self.at))

    def reopen(self, which: int) -> None:
        self.to(which, lambda s, i: desk.reopen(s, i, by=self.desks[0].id, at=self.at))

    def merge(self, which: int) -> None:
        into = self.incident(1 - which)
        if into is not None:
            self.to(which, lambda s, i: merge.merge(s, i, into=into, by=self.desks[0].id, at=self.at))

    def unmerge(self, which: int) -> None:
        self.to(which, lambda s, i: merge.unmerge(s, i, by=self.desks[0].id, at=self.at))

    def accept(self, which: int, eta_s: int | None) -> None:
        self.answer(which, lambda s, c, by: calls.accept(s, c, by=by, via="http", eta_s=eta_s, at=self.at))

    def decline(self, which: int) -> None:
        self.answer(which, lambda s, c, by: calls.decline(s, c, by=by, via="sms", at=self.at))

    def en_route(self, which: int) -> None:
        self.answer(which, lambda s, c, by: calls.en_route(s, c, by=by, at=self.at))

    def on_scene(self, which: int) -> None:
        self.answer(which, lambda s, c, by: calls.on_scene(s, c, by=by, at=self.at))

    def withdraw(self, which: int) -> None:
        self.answer(which, lambda s, c, by: calls.withdraw(s, c, by=by, at=self.at))

    def helper_is_seen(self, who: int, metres: int) -> None:
        stand(self.database, self.helpers[who], metres, at=self.at)

    def helper_is_available(self, who: int, available: bool) -> None:
        helper = self.helpers[who].id
        self.do(
            lambda s: s.execute(update(Helper).where(Helper.user_id == helper).values(available=available))
        )

    def device_is_heard(self, which: int, far: bool) -> None:
        lat = TASHKENT["lat"] + (900 * METRE if far else 0)
        self.do(
            lambda s: s.merge(
                DeviceLast(
                    device_id=self.devices[which].id,
                    last_seen_at=self.at,
                    last_seen_via="mqtt",
                    position_at=self.at,
                    accuracy_m=8,
                    lat=lat,
                    lon=TASHKENT["lon"],
                )
            )
        )

    # What the house does.

    def time_passes(self, seconds: int) -> None:
        """While dispatch stands still: what became due meanwhile is done late."""
        self.at += timedelta(seconds=seconds)

    def dispatch_works(self, seconds: int) -> None:
        for _ in range(max(seconds // 10, 1)):
            self.at += timedelta(seconds=min(seconds, 10))
            self.settle()

    def notifier_works(self, fails: bool) -> None:
        def send(session: Session) -> None:
            for sent in work.claim(session, Notification, at=self.at, limit=100):
                if fails:
                    work.give_up(session, sent, error="nobody there", at=self.at)
                else:
                    work.finish(session, sent, at=self.at)

        self.do(send)

    # What holds in every history.

    def check(self) -> None:
        """Look whether it holds now."""
        self.every_open_incident_has_a_next_step()
        self.who_is_merged_is_spoken_for_by_an_open_incident_of_its_own()
        self.nobody_is_told_twice_of_the_same_on_the_same_channel()
        self.no_move_is_outside_the_table()

    def every_open_incident_has_a_next_step(self) -> None:
        with self.database.transaction() as session:
            stuck = session.scalars(
                select(Incident).where(
                    Incident.state != IncidentState.RESOLVED,
                    Incident.merged_into_id.is_(None),
                    ~select(Timer)
                    .where(
                        Timer.subject == Incident.id,
                        Timer.status == WorkStatus.WAITING,
                        Timer.kind.in_(NEXT_STEPS),
                    )
                    .exists(),
                )
            ).all()
            assert [incident.state for incident in stuck] == []

    def who_is_merged_is_spoken_for_by_an_open_incident_of_its_own(self) -> None:
        with self.database.transaction() as session:
            parents = session.execute(
                text(
                    "SELECT p.state, p.merged_into_id FROM incidents c"
                    " JOIN incidents p ON p.id = c.merged_into_id WHERE c.state <> 'resolved'"
                )
            ).all()
            assert all(state != "resolved" and into is None for state, into in parents)

    def nobody_is_told_twice_of_the_same_on_the_same_channel(self) -> None:
        with self.database.transaction() as session:
            twice = session.execute(
                select(Notification.subject, Notification.kind)
                .join(Message, Message.uuid == Notification.subject)
                .group_by(Notification.subject, Notification.kind)
                .having(text("count(*) > 1"))
            ).all()
            assert twice == []

    def no_move_is_outside_the_table(self) -> None:
        with self.database.transaction() as session:
            moves = session.execute(text("SELECT DISTINCT what, former, now FROM state_moves")).all()
        for what, former, now in moves:
            assert now in MOVES[what][former], (what, former, now)

    def come_to_rest(self) -> None:
        """Whatever happened: while dispatch works, nothing that is due lies about."""
        self.settle()
        with self.database.transaction() as session:
            overdue = session.scalars(
                select(Timer.kind).where(Timer.status == WorkStatus.WAITING, Timer.due_at <= self.at)
            ).all()
            failed = session.scalars(select(Timer.last_error).where(Timer.last_error.is_not(None))).all()
        assert (overdue, failed) == ([], [])

    # Means.

    def do(self, act: Callable[[Session], object]) -> None:
        """One act in a transaction; what the rules refuse changes nothing."""
        try:
            with self.database.transaction() as session:
                act(session)
        except DomainError:
            pass

    def to(self, which: int, act: Callable[[Session, UUID], object]) -> None:
        incident = self.incident(which)
        if incident is not None:
            self.do(lambda session: act(session, incident))

    def incident(self, which: int) -> UUID | None:
        """Open ones first, then the newest."""
        with self.database.transaction() as session:
            order = (Incident.resolved_at.is_not(None), Incident.opened_at.desc(), Incident.id)
            return session.scalar(select(Incident.id).order_by(*order).offset(which).limit(1))

    def answer(self, which: int, act: Callable[[Session, UUID, int], object]) -> None:
        with self.database.transaction() as session:
            order = (HelperCall.ended_at.is_not(None), HelperCall.id.desc())
            calls_ = select(HelperCall.uuid, HelperCall.helper_id).order_by(*order)
            call = session.execute(calls_.offset(which).limit(1)).first()
        if call is not None:
            self.do(lambda session: act(session, call.uuid, call.helper_id))

    def settle(self) -> None:
        """Dispatch does all that is due."""
        for _ in range(200):
            if not relay.turn(self.database, at=self.at):
                break
        else:
            pytest.fail("dispatch does not come to rest")
        relay.look_at_people(self.database, at=self.at)


def _act(verb: Callable[..., None], **said: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    return st.fixed_dictionaries(said).map(lambda chosen: partial(verb, **chosen))


_any_call, _any_incident, _one_of_two = (st.integers(0, most) for most in (3, 2, 1))
_pins = st.sampled_from([None, "1234", PIN, DURESS_PIN])
_later = st.sampled_from([1, 5, 10, 30, 61, 121, 600, 1_801])
ACTS: list[st.SearchStrategy[Act]] = [
    _act(History.press, which=_one_of_two, hold_s=st.sampled_from([None, None, 15])),
    _act(History.cancel, which=_one_of_two, pin=_pins),
    _act(History.acknowledge, which=_any_incident, who=_one_of_two),
    _act(History.note, which=_any_incident),
    _act(History.reassign, which=_any_incident, to=_one_of_two),
    _act(History.resolve, which=_any_incident, outcome=st.sampled_from(Outcome)),
    _act(History.reopen, which=_any_incident),
    *[_act(History.merge, which=_one_of_two)] * 2,
    _act(History.unmerge, which=_any_incident),
    *[_act(History.accept, which=_one_of_two, eta_s=st.sampled_from([None, 120]))] * 4,
    _act(History.decline, which=_any_call),
    _act(History.en_route, which=_one_of_two),
    *[_act(History.on_scene, which=_one_of_two)] * 2,
    _act(History.withdraw, which=_any_call),
    _act(History.helper_is_seen, who=_any_incident, metres=st.sampled_from([10, 100, 500, 2_000, 30_000])),
    _act(History.helper_is_available, who=_any_incident, available=st.booleans()),
    _act(History.device_is_heard, which=_one_of_two, far=st.booleans()),
    _act(History.time_passes, seconds=_later),
    *[_act(History.dispatch_works, seconds=st.sampled_from([0, 1, 10, 31, 61, 121]))] * 4,
    _act(History.notifier_works, fails=st.booleans()),
]
"""What may happen; what is listed more often happens more often."""


@pytest.mark.timeout(300)
# A history that fails is told as it was: to shorten it would take longer than to read it.
@settings(max_examples=25, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(acts=st.lists(st.one_of(ACTS), min_size=30, max_size=60))
def test_in_any_history_somebody_is_asked_until_somebody_answers(database: Database, acts: list[Act]) -> None:
    with watched(database):
        history = History(database)
        history.press(0, None)
        history.press(1, None)
        history.settle()
        for act in acts:
            act(history)
            history.check()
        history.come_to_rest()
