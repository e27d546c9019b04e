# ruff: noqa: RUF001 - Cyrillic is meant
"""The moves of a call, and who is not coming after all."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from db.states import CallState
from dispatch.errors import IllegalMove
from dispatch.sos import answers, call_rules
from dispatch.sos.answers import Answer
from dispatch.sos.call_rules import ASKED, COMING, MOVES, PATIENCE, Turn, Turnout, Why, judge

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_every_state_has_its_moves_and_a_call_is_asked_coming_or_over() -> None:
    assert set(MOVES) == set(CallState)
    over = {state for state in CallState if not MOVES[state] or MOVES[state] == {CallState.ACCEPTED}}
    assert ASKED | COMING | over == set(CallState)
    assert not ASKED & COMING


@pytest.mark.parametrize("state", [CallState.ALERTED, CallState.DELIVERED, CallState.EXPIRED])
def test_a_yes_is_taken_as_long_as_nobody_said_no(state: CallState) -> None:
    call_rules.check_accept(state, Why.SILENT if state == CallState.EXPIRED else None)


@pytest.mark.parametrize("why", [Why.TAKEN_CARE_OF, Why.STUCK, "merged"])
def test_who_was_sent_home_by_the_house_may_come_after_all(why: str) -> None:
    call_rules.check_accept(CallState.WITHDRAWN, why)


@pytest.mark.parametrize(
    ("state", "why"),
    [(CallState.DECLINED, None), (CallState.WITHDRAWN, None), (CallState.WITHDRAWN, "tired")],
)
def test_who_said_no_is_believed(state: CallState, why: str | None) -> None:
    with pytest.raises(IllegalMove, match="do not come"):
        call_rules.check_accept(state, why)


def test_a_move_that_is_not_in_the_table_says_what_is() -> None:
    with pytest.raises(IllegalMove, match="it can become: done, withdrawn"):
        call_rules.check_move(CallState.ON_SCENE, CallState.ACCEPTED)


def turnout(**said: object) -> Turnout:
    known: dict[str, object] = {"moved_at": NOON, "nudged_at": None, "nearest_m": 500.0, "distance_m": 500.0}
    return Turnout(**(known | said))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "after_s", "turn"),
    [
        ({}, 59, None),
        ({}, 60, Turn.NUDGE),
        ({"nudged_at": NOON + 60 * SECOND}, 119, None),
        ({"nudged_at": NOON + 60 * SECOND}, 120, Turn.GIVE_UP),
        ({"distance_m": 484.0}, 10, Turn.CAME_NEARER),
        ({"distance_m": 490.0}, 10, None),
        ({"distance_m": None}, 60, Turn.NUDGE),
        ({"distance_m": 50.0}, 1, Turn.ARRIVED),
        ({"distance_m": 50.0, "accuracy_m": 400.0}, 1, Turn.CAME_NEARER),
        # Heard again after the nudge: there is time for another.
        ({"nudged_at": NOON - 30 * SECOND}, 60, Turn.NUDGE),
    ],
)
def test_what_follows_from_where_a_helper_is(
    said: dict[str, object], after_s: int, turn: Turn | None
) -> None:
    assert judge(turnout(**said), at=NOON + after_s * SECOND) == turn


@given(some.integers(0, 3_600))
def test_nobody_is_given_up_without_having_been_nudged_a_while_before(after_s: int) -> None:
    assert judge(turnout(), at=NOON + after_s * SECOND) != Turn.GIVE_UP
    just_nudged = turnout(nudged_at=NOON + after_s * SECOND)
    assert judge(just_nudged, at=NOON + after_s * SECOND + PATIENCE - SECOND) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("YES 4711", Answer(True, "4711")),
        ("yes", Answer(True, None)),
        ("  Yes, I come! 4711.", Answer(True, "4711")),
        ("4711 no", Answer(False, "4711")),
        ("Ha 0042", Answer(True, "0042")),
        ("Yo'q", Answer(False, None)),
        ("yo‘q 1234", Answer(False, "1234")),
        ("YOʻQ", Answer(False, None)),
        ("Да", Answer(True, None)),
        ("НЕТ 4711", Answer(False, "4711")),
        ("Oui 4711", Answer(True, "4711")),
        ("Non merci", Answer(False, None)),
        ("yes +998901234567", Answer(True, None)),
        ("who is this?", None),
        ("yesterday 4711", None),
        ("", None),
        ("4711", None),
    ],
)
def test_an_answer_by_sms_is_understood(text: str, answer: Answer | None) -> None:
    assert answers.read(text) == answer


@given(some.text())
def test_no_text_is_too_much(text: str) -> None:
    answers.read(text)
