"""When something is said to be ill, and what a canary call says of the way."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatch.chain.rules import LOOKS, Finding, Key, Patience, Walk, is_nearly_full, judge_walks, trouble_of
from tests.builders import NOON

SECOND = timedelta(seconds=1)
KEY: Key = ("default", "disk")
GOOD = Walk(NOON, NOON + 0.1 * SECOND, NOON + 0.2 * SECOND, NOON + 0.1 * SECOND)


def test_what_was_seen_once_may_be_chance() -> None:
    patience = Patience()
    assert patience.judge({KEY}, set()) == (set(), set())
    assert patience.judge(set(), set()) == (set(), set())
    assert patience.judge({KEY}, set()) == (set(), set())
    assert patience.judge({KEY}, set()) == ({KEY}, set())


def test_what_was_missed_once_stays() -> None:
    patience = Patience()
    assert patience.judge(set(), {KEY}) == (set(), set())
    assert patience.judge({KEY}, {KEY}) == (set(), set())
    assert patience.judge(set(), {KEY}) == (set(), set())
    assert patience.judge(set(), {KEY}) == (set(), {KEY})


@given(st.lists(st.booleans(), max_size=40))
def test_what_is_said_changes_only_when_looks_in_a_row_agree(looks: list[bool]) -> None:
    patience, said = Patience(), False
    for number, is_ill in enumerate(looks):
        begun, ended = patience.judge({KEY} if is_ill else set(), {KEY} if said else set())
        agree = number + 1 >= LOOKS and all(each is is_ill for each in looks[number + 1 - LOOKS : number + 1])
        assert bool(begun) == (agree and is_ill and not said)
        assert bool(ended) == (agree and not is_ill and said)
        said = (said or bool(begun)) and not ended


def test_a_call_that_came_all_the_way_in_time_is_no_trouble() -> None:
    assert trouble_of(GOOD) is None
    assert judge_walks([GOOD, GOOD]) == []


def test_the_trouble_is_the_first_link_that_failed() -> None:
    def trouble(**said: object) -> str | None:
        return trouble_of(replace(GOOD, **said))  # type: ignore[arg-type]

    assert trouble(failed="no connection", acknowledged_at=None) == "no connection"
    assert trouble(acknowledged_at=None) == "the device got no answer"
    assert trouble(alerted_at=None) == "acknowledged, but not on the alert topic"
    assert trouble(acknowledged_at=NOON + 3 * SECOND) == "the answer came late"
    assert trouble(alerted_at=NOON + 6 * SECOND) == "the alert came late"


def test_one_call_that_fails_may_be_chance_and_two_are_not() -> None:
    bad = replace(GOOD, alerted_at=None)
    assert judge_walks([]) == judge_walks([bad]) == judge_walks([bad, GOOD]) == judge_walks([GOOD, bad]) == []
    assert judge_walks([bad, bad]) == [
        Finding("canary", "a canary call failed: acknowledged, but not on the alert topic")
    ]


def test_telemetry_is_behind_only_where_calls_are_not() -> None:
    behind = replace(GOOD, telemetry_at=None)
    assert [each.what for each in judge_walks([behind, behind])] == ["telemetry-behind"]
    deaf = Walk(NOON)
    assert [each.what for each in judge_walks([deaf, deaf])] == ["canary"]


def test_a_disk_is_nearly_full_by_what_is_left_of_it() -> None:
    gib = 1 << 30
    assert is_nearly_full(free_bytes=gib - 1, total_bytes=10 * gib)
    assert not is_nearly_full(free_bytes=2 * gib, total_bytes=10 * gib)
    assert is_nearly_full(free_bytes=4 * gib, total_bytes=100 * gib)
    assert not is_nearly_full(free_bytes=30 * gib, total_bytes=1000 * gib)
