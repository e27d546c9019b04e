"""Telling new incidents from known ones, whatever the connection does."""

import uuid
from datetime import datetime, timedelta

from api.board import Board, Change, News
from broker.frames import AlertFrame
from tests.builders import NOON

BEFORE = NOON - timedelta(minutes=5)
AFTER = NOON + timedelta(minutes=5)


def alert(
    *,
    revision: int = 1,
    opened_at: datetime = AFTER,
    state: str = "active",
    incident: uuid.UUID | None = None,
) -> AlertFrame:
    return AlertFrame(
        incident=incident or uuid.uuid4(),
        revision=revision,
        state=state,
        type="fall",
        region="default",
        uid="watch-1",
        opened_at=opened_at,
    )


def later(known: AlertFrame, revision: int) -> AlertFrame:
    return known.model_copy(update={"revision": revision})


def news_of(change: Change | None) -> News | None:
    return None if change is None else change.news


def test_an_incident_heard_of_for_the_first_time_is_new() -> None:
    assert news_of(Board(since=NOON).put(alert(), retained=False)) is News.OPENED


def test_an_incident_that_was_open_before_we_began_is_known_without_a_word() -> None:
    board = Board(since=NOON)
    old = alert(opened_at=BEFORE)
    assert board.put(old, retained=True) is None
    assert board.open == {old.incident: old}


def test_an_incident_told_live_is_new_even_if_it_opened_before_we_began() -> None:
    assert news_of(Board(since=NOON).put(alert(opened_at=BEFORE), retained=False)) is News.OPENED


def test_a_retained_alert_that_comes_again_after_a_reconnect_is_no_news() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    assert board.put(first, retained=True) is None


def test_an_incident_that_opened_while_we_were_away_is_still_told() -> None:
    assert news_of(Board(since=NOON).put(alert(), retained=True)) is News.OPENED


def test_a_change_of_a_known_incident_is_a_change() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    assert news_of(board.put(later(first, 2), retained=False)) is News.CHANGED


def test_what_is_older_than_what_we_know_is_no_news() -> None:
    board = Board(since=NOON)
    first = alert(revision=3)
    board.put(first, retained=False)
    assert board.put(later(first, 2), retained=True) is None
    assert board.open[first.incident].revision == 3


def test_a_cleared_topic_ends_the_incident_once() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    ended = board.clear(first.incident, region="default")
    assert ended == Change(News.ENDED, first)
    assert board.clear(first.incident, region="default") is None
    assert board.open == {}


def test_the_cleared_topic_of_a_region_it_has_left_ends_nothing() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    assert board.clear(first.incident, region="north") is None


def test_a_cleared_topic_of_something_unknown_is_no_news() -> None:
    assert Board(since=NOON).clear(uuid.uuid4(), region="default") is None


def test_an_end_that_we_missed_is_told_when_it_is_found_out() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    assert news_of(board.end(first.incident, revision=5)) is News.ENDED


def test_an_alert_that_the_broker_has_not_yet_cleared_does_not_open_the_incident_again() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    board.end(first.incident, revision=5)
    assert board.put(later(first, 4), retained=True) is None
    assert board.open == {}


def test_an_incident_that_is_reopened_is_told_again() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    board.end(first.incident, revision=5)
    assert news_of(board.put(later(first, 6), retained=False)) is News.OPENED


def test_a_resolved_incident_is_an_end_however_it_is_told() -> None:
    board = Board(since=NOON)
    first = alert()
    board.put(first, retained=False)
    done = alert(incident=first.incident, revision=2, state="resolved")
    assert news_of(board.put(done, retained=False)) is News.ENDED
