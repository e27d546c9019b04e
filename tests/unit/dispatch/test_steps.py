"""The steps of an escalation, by themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dispatch.sos import steps
from dispatch.sos.steps import Step
from tests.builders import NOON

SECOND = timedelta(seconds=1)
instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@st.composite
def policies(draw: st.DrawFn) -> list[Step]:
    later = sorted(draw(st.lists(st.floats(0, 3_600), max_size=5)))
    whom = st.lists(st.sampled_from([each.value for each in steps.Target]), min_size=1, unique=True)
    return [{"after_s": after_s, "whom": draw(whom)} for after_s in [0.0, *later]]


repeats = st.integers(steps.SHORTEST_REPEAT_S, steps.LONGEST_REPEAT_S)


def due_after(policy: list[Step], level: int, **said: Any) -> datetime:
    wanted: dict[str, Any] = {"repeat_s": 60, "reached": True, "due_at": NOON, "at": NOON} | said
    return steps.next_due(policy, level=level, **wanted)


def test_the_default_steps_come_at_30_60_and_120_seconds_and_then_each_minute() -> None:
    policy = steps.DEFAULT_POLICY
    came = [NOON + steps.gap_after(policy, 0, repeat_s=60)]
    for level in range(1, 5):
        came.append(due_after(policy, level, due_at=came[-1], at=came[-1]))
    assert [(due_at - NOON).total_seconds() for due_at in came] == [30, 60, 120, 180, 240]


@given(
    policy=policies(),
    repeat_s=repeats,
    level=st.integers(0, 500),
    due_at=instants,
    late_s=st.floats(0, 1e7),
    reached=st.booleans(),
)
def test_a_step_is_always_followed_by_another_not_before_it_nor_too_far_off(
    policy: list[Step], repeat_s: int, level: int, due_at: datetime, late_s: float, reached: bool
) -> None:
    at = due_at + timedelta(seconds=late_s)
    following = due_after(policy, level, repeat_s=repeat_s, due_at=due_at, at=at, reached=reached)
    gap = steps.gap_after(policy, level, repeat_s=repeat_s)
    assert due_at <= following <= at + gap


@given(policies(), repeats)
def test_though_nobody_is_ever_reached_it_never_runs_hot(policy: list[Step], repeat_s: int) -> None:
    at = NOON
    for level in range(1, 50):
        at = due_after(policy, level, repeat_s=repeat_s, due_at=at, at=at, reached=False)
    repeated = 50 - max(len(policy) - 1, 1)
    assert at >= NOON + timedelta(seconds=repeat_s) * repeated


def test_a_step_that_reached_nobody_is_not_waited_for_but_a_repeat_is() -> None:
    assert due_after(steps.DEFAULT_POLICY, 1, reached=False) == NOON
    assert due_after(steps.DEFAULT_POLICY, 3, reached=False) == NOON + 60 * SECOND


def test_steps_missed_while_the_house_was_down_are_caught_up_at_once_but_repeats_are_not() -> None:
    an_hour_late = NOON + timedelta(hours=1)
    assert due_after(steps.DEFAULT_POLICY, 1, at=an_hour_late) == NOON + 30 * SECOND
    assert due_after(steps.DEFAULT_POLICY, 3, at=an_hour_late) == an_hour_late + 60 * SECOND


def test_beyond_its_end_a_policy_asks_its_last_again() -> None:
    assert steps.whom_at(steps.DEFAULT_POLICY, 7) == ["supervisor"]


def test_whom_incidents_from_before_there_were_policies_asked_is_still_understood() -> None:
    assert steps.whom_at([{"after_s": 0, "whom": "dispatchers"}], 0) == ["dispatchers"]


def test_what_comes_next_is_told_with_whom_and_when() -> None:
    said = steps.next_step(steps.DEFAULT_POLICY, 1, NOON)
    assert said == {"what": "escalation", "whom": ["guardians"], "due_at": NOON}


@given(policies())
def test_steps_that_begin_at_once_and_never_go_back_are_in_order(policy: list[Step]) -> None:
    assert steps.find_faults(policy) == {}


def test_every_wrong_step_is_named() -> None:
    policy: list[Step] = [
        {"after_s": 5, "whom": ["helpers"]},
        {"after_s": 3, "whom": ["guardians", "guardians"]},
        {"after_s": 4, "whom": ["supervisor"]},
    ]
    assert set(steps.find_faults(policy)) == {
        "steps.0.after_s",
        "steps.1.after_s",
        "steps.1.whom",
        "steps.2.after_s",
    }
