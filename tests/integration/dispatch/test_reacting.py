"""Facts about one call are reacted to together, and one that fails stops none of the others."""

from datetime import timedelta

from sqlalchemy import select

from db import outbox
from db.models import Fact
from db.session import Database
from db.states import Role, WorkStatus
from dispatch import relay
from dispatch.sos import service
from tests.builders import NOON, make_device, make_user, report
from tests.integration.dispatch.stories import lines, settle, told

SECOND = timedelta(seconds=1)


def test_what_happened_meanwhile_is_shown_on_the_watch_once(database: Database) -> None:
    reported = report(database, make_device(database))
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)
    settle(database, NOON)
    assert told(database, reported) == 1


def test_a_watch_is_not_woken_for_what_it_does_not_show(database: Database) -> None:
    reported = report(database, make_device(database))
    settle(database, NOON)
    assert [line.detail["level"] for line in lines(database, reported.incident_id, "escalated")] == [1, 2, 3]
    assert told(database, reported) == 1


def test_a_fact_that_nobody_understands_stops_none_about_the_same_call(database: Database) -> None:
    reported = report(database, make_device(database))
    with database.transaction() as session:
        outbox.append(session, "nonsense.happened", reported.incident_id, at=NOON)
    assert relay.turn(database, at=NOON) == 2
    with database.transaction() as session:
        facts = {fact.kind: fact for fact in session.scalars(select(Fact))}
    assert facts["sos.opened"].status == WorkStatus.DONE
    assert facts["nonsense.happened"].status == WorkStatus.WAITING
    assert "nobody knows" in (facts["nonsense.happened"].last_error or "")
    assert lines(database, reported.incident_id, "asked")
