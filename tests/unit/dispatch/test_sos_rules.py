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


LEADS_TO = {
    "activate": {IncidentState.ACTIVE},
    "acknowledge": {IncidentState.ACKNOWLEDGED},
    "lapse": {IncidentState.ACTIVE},
    "respond": {IncidentState.RESPONDING},
    "arrive": {IncidentState.ON_SCENE},
    "call_off": {IncidentState.ACKNOWLEDGED, IncidentState.ACTIVE},
    "resolve": {IncidentState.RESOLVED},
    "reopen": {IncidentState.ACTIVE},
    "merge": {IncidentState.ACTIVE},
}
STAYS = {"reassign", "note", "exercise"}


@given(st.sampled_from(sorted(rules.VERBS)), st.sampled_from(IncidentState))
def test_a_verb_that_is_allowed_leads_along_the_table_or_changes_no_state(
    verb: str, current: IncidentState
) -> None:
    if current not in rules.VERBS[verb]:
        with pytest.raises(IllegalMove, match=f"{verb}: not while the incident is {current}; possible now: "):
            rules.check_verb(verb, current)
        return
    rules.check_verb(verb, current)
    for wanted in LEADS_TO.get(verb, set()) - {current}:
        # An acknowledgement of what somebody goes to already changes who looks after it, not its state.
        if not (verb == "acknowledge" and current in rules.SOMEBODY_GOES):
            rules.check_move(current, wanted)


def test_every_verb_is_known_to_move_or_to_stay() -> None:
    assert set(rules.VERBS) == set(LEADS_TO) | STAYS


def test_every_move_of_the_table_is_some_verbs() -> None:
    for current, reachable in rules.MOVES.items():
        led = (LEADS_TO.get(verb, set()) for verb, states in rules.VERBS.items() if current in states)
        assert reachable <= set().union(*led), current


@given(wrong=st.integers(0, 2_000), since_s=st.floats(0, 1e6))
def test_a_wearer_waits_for_their_pin_a_minute_at_most_and_only_after_many_wrong_ones(
    wrong: int, since_s: float
) -> None:
    at = NOON + timedelta(seconds=since_s)
    is_out = rules.is_locked_out(wrong=wrong, wrong_at=NOON, at=at)
    assert is_out == (wrong >= rules.MOST_WRONG_PINS and at < NOON + rules.PIN_PAUSE)
    assert not rules.is_locked_out(wrong=wrong, wrong_at=NOON, at=NOON + rules.PIN_PAUSE)


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
