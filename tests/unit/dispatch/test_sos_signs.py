"""When a device in need counts as silent, and when its place is shown anew."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from db.states import Presence
from dispatch.sos import signs
from dispatch.sos.signs import Heard, is_lost, is_worth_showing
from tests.builders import NOON

SECOND = timedelta(seconds=1)
SOME_TIME = st.timedeltas(timedelta(), timedelta(hours=3))


def test_three_reports_may_be_missed_but_never_less_than_half_a_minute() -> None:
    assert signs.longest_silence(5 * SECOND) == 30 * SECOND
    assert signs.longest_silence(20 * SECOND) == 60 * SECOND
    assert signs.longest_silence(60 * SECOND) == 180 * SECOND


def test_who_only_pressed_counts_from_the_press() -> None:
    heard = Heard(pressed_at=NOON, every=signs.FAST)
    assert not is_lost(heard, was_lost=False, at=NOON + 30 * SECOND)
    assert is_lost(heard, was_lost=False, at=NOON + 31 * SECOND)


def test_who_was_just_told_to_report_more_often_has_time_to_do_so() -> None:
    heard = Heard(pressed_at=NOON, seen_at=NOON, told_at=NOON + timedelta(minutes=5), every=signs.FAST)
    assert not is_lost(heard, was_lost=False, at=NOON + timedelta(minutes=5) + 30 * SECOND)


def test_what_a_lost_device_is_told_does_not_bring_it_back() -> None:
    told_at = NOON + timedelta(minutes=20)
    heard = Heard(pressed_at=NOON, told_at=told_at, every=signs.SLOW)
    assert is_lost(heard, was_lost=True, at=told_at + SECOND)


def test_a_will_after_the_press_speaks_for_the_device_until_it_is_heard_again() -> None:
    will_at = NOON + 10 * SECOND
    gone = Heard(
        pressed_at=NOON, seen_at=will_at, presence=Presence.OFFLINE, presence_at=will_at, every=signs.SLOW
    )
    assert is_lost(gone, was_lost=False, at=will_at)
    again = Heard(
        pressed_at=NOON,
        seen_at=will_at + SECOND,
        presence=Presence.OFFLINE,
        presence_at=will_at,
        every=signs.SLOW,
    )
    assert not is_lost(again, was_lost=True, at=will_at + 2 * SECOND)
    pressed = Heard(
        pressed_at=will_at + SECOND, seen_at=will_at, presence=Presence.OFFLINE, presence_at=will_at
    )
    assert not is_lost(pressed, was_lost=True, at=will_at + 2 * SECOND)


def test_who_sleeps_is_not_gone() -> None:
    asleep = Heard(pressed_at=NOON, seen_at=NOON, presence=Presence.SLEEPING, presence_at=NOON + SECOND)
    assert not is_lost(asleep, was_lost=False, at=NOON + 2 * SECOND)


@given(pressed=SOME_TIME, seen=SOME_TIME, told=SOME_TIME, now=SOME_TIME, was_lost=st.booleans())
def test_whoever_is_heard_in_time_is_never_lost_and_silence_is_never_overlooked(
    pressed: timedelta, seen: timedelta, told: timedelta, now: timedelta, was_lost: bool
) -> None:
    heard = Heard(pressed_at=NOON + pressed, seen_at=NOON + seen, told_at=NOON + told, every=signs.FAST)
    lost = is_lost(heard, was_lost=was_lost, at=NOON + now)
    if now - max(pressed, seen) <= signs.longest_silence(signs.FAST):
        assert not lost
    if now - max(pressed, seen, told) > signs.longest_silence(signs.FAST):
        assert lost


@given(gap=st.timedeltas(-timedelta(minutes=5), timedelta(minutes=5)), moved_m=st.floats(0, 1e6))
def test_an_older_place_never_replaces_a_newer_and_none_comes_too_soon(
    gap: timedelta, moved_m: float
) -> None:
    shown = is_worth_showing(known_at=NOON, fix_at=NOON + gap, moved_m=moved_m, accuracy_m=8.0)
    if gap < signs.LEAST_GAP:
        assert not shown
    if gap >= signs.LONGEST_GAP:
        assert shown


def test_a_place_is_shown_anew_when_the_move_is_more_than_the_error_of_the_fix() -> None:
    def shown(moved_m: float, accuracy_m: float | None, gap_s: int = 5) -> bool:
        return is_worth_showing(
            known_at=NOON, fix_at=NOON + gap_s * SECOND, moved_m=moved_m, accuracy_m=accuracy_m
        )

    assert shown(9, 8.0)
    assert not shown(7, 8.0)
    assert not shown(29, None)
    assert shown(31, None)
    assert not shown(900, 1000.0)
    assert shown(0, 8.0, gap_s=30)


def test_the_first_place_is_always_shown() -> None:
    assert is_worth_showing(known_at=None, fix_at=NOON, moved_m=None, accuracy_m=None)
