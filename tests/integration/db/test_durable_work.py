"""Facts, timers and notifications are claimed by one worker at a time and survive the death of any."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from db import outbox, timers, work
from db.bell import Bell
from db.models import Fact, Timer
from db.session import Database
from db.states import WorkStatus
from tests.builders import NOON
from tests.servers import WAIT_S

SUBJECT = uuid.UUID(int=7)
LATER = NOON + work.LEASE + timedelta(seconds=1)


def append(database: Database, count: int = 1) -> None:
    with database.transaction() as session:
        for number in range(count):
            outbox.append(session, f"test.{number}", SUBJECT, at=NOON)


def claim(database: Database, at=NOON, limit: int = 20) -> list[Fact]:  # type: ignore[no-untyped-def]
    with database.transaction() as session:
        return list(work.claim(session, Fact, at=at, limit=limit))


def test_an_item_is_claimed_once_while_its_lease_lasts(database: Database) -> None:
    append(database)
    assert len(claim(database)) == 1
    assert claim(database) == []


def test_an_item_whose_worker_died_is_claimed_again_after_its_lease(database: Database) -> None:
    append(database)
    claim(database)
    assert [item.attempts for item in claim(database, LATER)] == [2]


def test_a_worker_that_lost_its_lease_cannot_finish(database: Database) -> None:
    append(database)
    [slow] = claim(database)
    [quick] = claim(database, LATER)
    with pytest.raises(work.LeaseLost), database.transaction() as session:
        work.finish(session, slow, at=LATER)
    with database.transaction() as session:
        work.finish(session, quick, at=LATER)
    assert claim(database, LATER + timedelta(hours=1)) == []


def test_two_workers_share_what_is_due_without_waiting_for_each_other(database: Database) -> None:
    append(database, count=4)
    with database.transaction() as one, database.transaction() as other:
        first = work.claim(one, Fact, at=NOON, limit=2)
        second = work.claim(other, Fact, at=NOON, limit=2)
    assert sorted(item.kind for item in [*first, *second]) == ["test.0", "test.1", "test.2", "test.3"]


_A_LOOK_FOR_EACH_ROW = ("hashjoin", "mergejoin", "hashagg", "material", "sort")


@pytest.mark.parametrize("dear", [(), _A_LOOK_FOR_EACH_ROW])
def test_no_more_is_claimed_than_asked_for_however_the_server_plans_it(
    database: Database, dear: tuple[str, ...]
) -> None:
    with database.transaction() as session:
        session.execute(text("TRUNCATE outbox"))  # the rows lie in the order of their ids
    append(database, count=5)
    with database.transaction() as session:
        # As the server does it of its own accord where it takes the table for nearly empty.
        for way in dear:
            session.execute(text(f"SET LOCAL enable_{way} = off"))
        assert [item.kind for item in work.claim(session, Fact, at=NOON, limit=1)] == ["test.0"]
        assert [item.kind for item in work.claim(session, Fact, at=NOON, limit=2)] == ["test.1", "test.2"]


def test_a_worker_may_leave_what_is_about_a_subject_that_another_is_busy_with(database: Database) -> None:
    append(database, count=2)
    with database.transaction() as session:
        outbox.append(session, "test.0", uuid.UUID(int=8), at=NOON + timedelta(seconds=1))

    def take(at: datetime) -> list[uuid.UUID]:
        with database.transaction() as session:
            claimed = work.claim(session, Fact, at=at, kinds={"test.0"}, apart=True, limit=1)
            return [item.subject for item in claimed]

    append(database)  # the same again, of the first
    soon = NOON + timedelta(seconds=2)
    assert [take(soon), take(soon), take(soon)] == [[SUBJECT], [uuid.UUID(int=8)], []]
    assert take(soon + work.LEASE + timedelta(seconds=1)) == [SUBJECT]


def test_what_failed_comes_again_after_a_pause_with_its_reason(database: Database) -> None:
    append(database)
    [item] = claim(database)
    with database.transaction() as session:
        work.retry_later(session, item, error="no route", at=NOON)
    assert claim(database, NOON) == []
    [again] = claim(database, NOON + work.pause(1))
    assert (again.last_error, again.attempts) == ("no route", 2)


def test_what_is_given_up_never_comes_again_and_says_why(database: Database) -> None:
    append(database)
    [item] = claim(database)
    with database.transaction() as session:
        work.give_up(session, item, error="no such number", at=NOON)
    assert claim(database, LATER) == []
    with database.transaction() as session:
        given_up = session.scalars(select(Fact)).one()
    assert (given_up.status, given_up.last_error) == (WorkStatus.FAILED, "no such number")
    assert given_up.finished_at == NOON


def test_a_worker_may_claim_some_kinds_and_leave_the_others(database: Database) -> None:
    append(database, count=3)
    with database.transaction() as session:
        claimed = work.claim(session, Fact, at=NOON, kinds={"test.1"})
    assert [item.kind for item in claimed] == ["test.1"]
    assert len(claim(database)) == 2


def test_a_timer_is_not_claimed_before_it_is_due(database: Database) -> None:
    due_at = NOON + timedelta(seconds=30)
    with database.transaction() as session:
        timers.set_timer(session, SUBJECT, "ring", due_at=due_at, at=NOON)
    with database.transaction() as session:
        assert work.claim(session, Timer, at=due_at - timedelta(milliseconds=1)) == []
        assert len(work.claim(session, Timer, at=due_at)) == 1


def test_a_timer_set_again_takes_the_place_of_the_one_that_waits(database: Database) -> None:
    for seconds in (30, 60):
        with database.transaction() as session:
            timers.set_timer(session, SUBJECT, "ring", due_at=NOON + timedelta(seconds=seconds), at=NOON)
    with database.transaction() as session:
        waiting = session.scalars(select(Timer).where(Timer.status == WorkStatus.WAITING)).all()
    assert [timer.due_at for timer in waiting] == [NOON + timedelta(seconds=60)]


def test_the_bell_rings_at_the_commit_and_not_before(database: Database) -> None:
    with Bell(database.url, outbox.CHANNEL) as bell:
        bell.wait(0.1)
        with database.transaction() as session:
            outbox.append(session, "test", SUBJECT, at=NOON)
            session.flush()
            assert not bell.wait(0.2)
        assert bell.wait(WAIT_S)


def test_a_bell_without_a_database_waits_no_longer_than_it_was_told(database: Database) -> None:
    nowhere = database.url.rsplit(":", 1)[0] + ":1/nowhere"
    with Bell(nowhere, outbox.CHANNEL) as bell:
        assert not bell.wait(0.1)
