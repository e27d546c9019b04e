"""The pure rules of an incident."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.states import IncidentState
from dispatch.errors import IllegalMove
from dispatch.sos import rules

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def test_every_open_state_can_be_resolved_at_once() -> None:
    for state in IncidentState:
        if state != IncidentState.RESOLVED:
            rules.check_move(state, IncidentState.RESOLVED)


def test_every_state_is_reached_from_the_first() -> None:
    reached, frontier = {IncidentState.COUNTDOWN}, [IncidentState.COUNTDOWN]
    while frontier:
        for following in rules.MOVES[frontier.pop()] - reached:
            reached.add(following)
            frontier.append(following)
    assert reached == set(IncidentState)


def test_a_refused_move_says_what_is_possible() -> None:
    with pytest.raises(
        IllegalMove, match=r"active cannot become on_scene; it can become: acknowledged, resolved, responding"
    ):
        rules.check_move(IncidentState.ACTIVE, IncidentState.ON_SCENE)


@given(st.sampled_from(IncidentState), st.sampled_from(IncidentState))
def test_a_move_outside_the_table_is_refused(current: IncidentState, wanted: IncidentState) -> None:
    if wanted in rules.MOVES[current]:
        rules.check_move(current, wanted)
    else:
        with pytest.raises(IllegalMove):
            rules.check_move(current, wanted)


def _same(
    *,
    stored: datetime | None = None,
    sent: datetime | None = None,
    is_open: bool = False,
    after: timedelta = timedelta(0),
) -> bool:
    return rules.is_same_press(
        stored_device_at=stored,
        stored_received_at=NOON,
        incident_open=is_open,
        device_at=sent,
        at=NOON + after,
    )


def test_a_press_sent_again_while_its_incident_is_open_is_the_same() -> None:
    assert _same(is_open=True, after=timedelta(days=3))


def test_a_press_with_the_same_device_time_is_the_same_however_late_it_comes_again() -> None:
    assert _same(stored=NOON, sent=NOON, after=timedelta(days=3))


def test_a_frame_id_that_comes_again_with_another_time_is_a_new_call_for_help() -> None:
    assert not _same(stored=NOON, sent=NOON + timedelta(seconds=90), after=timedelta(seconds=90))


def test_a_frame_id_without_a_clock_that_comes_again_the_next_day_is_a_new_call_for_help() -> None:
    assert _same(after=timedelta(minutes=5))
    assert not _same(after=timedelta(days=1))


@given(level=st.integers(0, 500), due_at=instants, late_s=st.floats(0, 10_000_000))
def test_a_step_is_always_followed_by_another_that_is_not_in_the_past(
    level: int, due_at: datetime, late_s: float
) -> None:
    at = due_at + timedelta(seconds=late_s)
    following = rules.next_due(rules.DEFAULT_POLICY, level=level, due_at=due_at, at=at)
    assert at <= following <= at + timedelta(seconds=60)


def test_the_default_steps_come_at_30_60_and_120_seconds_and_then_each_minute() -> None:
    policy = rules.DEFAULT_POLICY
    came = [NOON + rules.gap_after(policy, 0)]
    for level in range(1, 5):
        came.append(rules.next_due(policy, level=level, due_at=came[-1], at=came[-1]))
    assert [(due_at - NOON).total_seconds() for due_at in came] == [30, 60, 120, 180, 240]


def test_steps_missed_while_the_house_was_down_are_caught_up_at_once_but_repeats_are_not() -> None:
    an_hour_late = NOON + timedelta(hours=1)
    assert rules.next_due(rules.DEFAULT_POLICY, level=1, due_at=NOON, at=an_hour_late) == an_hour_late
    assert rules.next_due(rules.DEFAULT_POLICY, level=3, due_at=NOON, at=an_hour_late) > an_hour_late


def test_beyond_its_end_a_policy_asks_its_last_again() -> None:
    assert (
        rules.whom_at([{"after_s": 0, "whom": "helpers"}, {"after_s": 9, "whom": "boss"}], level=7) == "boss"
    )
