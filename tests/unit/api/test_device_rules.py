"""Whether a device is there, and how far it is with a command."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.devices import rules
from api.devices.rules import CommandState, Seen
from db.states import DeviceKind, Presence

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

kinds = st.sampled_from(DeviceKind)
rests = st.none() | st.integers(1, 86_400)
batches = st.none() | st.integers(1, 200)
silences = st.timedeltas(timedelta(), timedelta(days=30))
presences = st.none() | st.sampled_from(Presence)


@pytest.mark.parametrize(
    ("rest_s", "batch", "patience"),
    [
        (None, None, 15 * MINUTE),
        (None, 200, 15 * MINUTE),
        (1, None, 5 * MINUTE),
        (600, None, 30 * MINUTE),
        (300, 20, 300 * MINUTE),
        (86_400, 200, timedelta(days=3)),
    ],
)
def test_a_watch_may_be_silent_for_three_of_its_messages_within_reason(
    rest_s: int | None, batch: int | None, patience: timedelta
) -> None:
    assert rules.patience(DeviceKind.WATCH, rest_s, batch) == patience


@given(presences, silences, silences, kinds, rests, batches)
def test_who_was_silent_stays_so_the_longer_it_says_nothing(
    presence: Presence | None,
    ago: timedelta,
    more: timedelta,
    kind: DeviceKind,
    rest_s: int | None,
    batch: int | None,
) -> None:
    patience = rules.patience(kind, rest_s, batch)
    now = rules.seen(presence, NOON - ago, patience, at=NOON)
    later = rules.seen(presence, NOON - ago, patience, at=NOON + more)
    assert later in {now, Seen.SILENT}
    assert (now is Seen.OFFLINE) == (presence is Presence.OFFLINE)


@given(kinds, rests, batches, silences)
def test_a_sleeper_is_given_at_least_the_time_of_one_that_is_awake(
    kind: DeviceKind, rest_s: int | None, batch: int | None, ago: timedelta
) -> None:
    patience = rules.patience(kind, rest_s, batch)
    if rules.seen(Presence.SLEEPING, NOON - ago, patience, at=NOON) is Seen.SILENT:
        assert rules.seen(Presence.ONLINE, NOON - ago, patience, at=NOON) is Seen.SILENT


@given(st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_a_reply_counts_whenever_it_comes_and_silence_expires(left: timedelta) -> None:
    until = NOON + left
    assert rules.command_state(True, until, at=NOON) is CommandState.DONE
    assert rules.command_state(False, until, at=NOON) is CommandState.REFUSED
    unanswered = CommandState.WAITING if left > timedelta() else CommandState.EXPIRED
    assert rules.command_state(None, until, at=NOON) is unanswered
