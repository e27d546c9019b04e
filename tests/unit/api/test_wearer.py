"""What a wearer's screen tells of their own call."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.sos.schemas import EventOut
from api.sos.wearer import told
from tests.builders import NOON

KINDS = [
    *("opened", "joined", "escalated", "acknowledged", "noted", "cancel_refused", "activated"),
    *("cancelled_under_duress", "merged", "heard_of_merged", "resolved", "reopened"),
]
histories = st.lists(st.sampled_from(KINDS), max_size=12).map(lambda rest: ["opened", *rest])


def lines(kinds: list[str], **detail: Any) -> list[EventOut]:
    return [EventOut(at=NOON, kind=kind, by=None, detail=detail) for kind in kinds]


def kinds_told(kinds: list[str]) -> list[str]:
    return [line.kind for line in told(lines(kinds))]


def test_what_a_desk_noted_stays_with_the_desk() -> None:
    assert [line.detail for line in told(lines(["opened", "noted"], text="police are there"))] == [{}, {}]


def test_after_a_duress_pin_the_story_ends_as_with_the_right_one() -> None:
    assert kinds_told(["opened", "resolved"]) == ["opened", "resolved"]
    assert kinds_told(["opened", "cancelled_under_duress", "activated", "escalated", "resolved"]) == [
        *("opened", "resolved")
    ]


def test_who_presses_again_sees_how_it_goes_on() -> None:
    told_again = kinds_told(["opened", "cancelled_under_duress", "escalated", "joined", "acknowledged"])
    assert told_again == ["opened", "resolved", "joined", "acknowledged"]


@given(histories)
def test_a_duress_pin_cannot_be_told_from_the_right_one(history: list[str]) -> None:
    """Up to the pin both are one story; after it nothing follows until they press again."""
    for at, kind in enumerate(history):
        if kind == "cancelled_under_duress" and "cancelled_under_duress" not in history[:at]:
            silent = history[at + 1 :]
            until_pressed = silent.index("joined") if "joined" in silent else len(silent)
            forced = history[: at + 1 + until_pressed]
            assert kinds_told(forced) == kinds_told([*history[:at], "resolved"])


@given(histories)
def test_no_screen_names_force_or_another_who_called(history: list[str]) -> None:
    assert not {"cancelled_under_duress", "merged", "heard_of_merged"} & set(kinds_told(history))
