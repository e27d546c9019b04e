"""When a driver on the way counts as silent."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatch.orders import rules
from dispatch.orders.rules import Silence
from tests.builders import NOON

SECOND = timedelta(seconds=1)
seconds = st.integers(0, 3_600).map(lambda number: number * SECOND)


def judge(heard_at: datetime, nudged_at: datetime | None, at: datetime) -> Silence | None:
    return rules.judge_silence(heard_at=heard_at, nudged_at=nudged_at, at=at)


@given(age=seconds, nudged=st.none() | seconds)
def test_who_was_heard_of_lately_is_left_in_peace(age: timedelta, nudged: timedelta | None) -> None:
    nudged_at = None if nudged is None else NOON - nudged
    said = judge(NOON - age, nudged_at, NOON)
    assert (said is None) or age >= rules.SILENT


@given(age=seconds, since_nudge=seconds)
def test_nobody_loses_an_order_without_a_minute_for_a_sign(age: timedelta, since_nudge: timedelta) -> None:
    heard_at, nudged_at = NOON - age, NOON - since_nudge
    if judge(heard_at, nudged_at, NOON) is Silence.RELEASE:
        assert since_nudge >= rules.SIGN_WITHIN
        assert heard_at <= nudged_at


@given(age=st.integers(180, 3_600))
def test_whoever_stays_silent_is_nudged_once_and_then_released(age: int) -> None:
    heard_at = NOON - age * SECOND
    assert judge(heard_at, None, NOON) is Silence.NUDGE
    assert judge(heard_at, NOON, NOON) is None
    assert judge(heard_at, NOON, NOON + rules.SIGN_WITHIN) is Silence.RELEASE
