"""When a code may be sent, and which one is right."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from api.codes import rules
from api.codes.rules import Limit
from db.states import CodePurpose
from tests.builders import NOON

MINUTE = timedelta(minutes=1)
TWO_IN_TEN = (Limit(2, 10 * MINUTE),)


def ago(*minutes: float) -> list[datetime]:
    return [NOON - each * MINUTE for each in minutes]


@pytest.mark.parametrize(
    ("sent", "minutes"), [([], 0), (ago(1), 0), (ago(1, 2), 8), (ago(1, 10), 0), (ago(9, 9.5, 9.9), 0.5)]
)
def test_the_next_waits_until_there_is_room_again(sent: list[datetime], minutes: float) -> None:
    assert rules.wait(sent, TWO_IN_TEN, at=NOON) == minutes * MINUTE


def test_of_several_limits_the_longest_wait_counts() -> None:
    limits = (Limit(1, MINUTE), Limit(2, 60 * MINUTE))
    assert rules.wait(ago(0, 1), limits, at=NOON) == 59 * MINUTE


@pytest.mark.parametrize(
    ("changed", "is_open"),
    [
        ({}, True),
        ({"tries": rules.MOST_TRIES - 1}, True),
        ({"tries": rules.MOST_TRIES}, False),
        ({"used": True}, False),
        ({"expires_at": NOON}, False),
    ],
)
def test_a_code_is_good_once_for_a_while_and_for_few_tries(changed: dict[str, object], is_open: bool) -> None:
    known = {"expires_at": NOON + MINUTE, "used": False, "tries": 0} | changed
    assert rules.is_open(**known, at=NOON) == is_open  # type: ignore[arg-type]


def test_what_is_kept_of_a_code_differs_by_key_purpose_and_owner() -> None:
    kept = {
        rules.digest(key, purpose, subject, "123456", claimant=claimant)
        for key in (b"one", b"other")
        for purpose in CodePurpose
        for subject in ("+998901234567", "ann@example.org")
        for claimant in (None, UUID(int=1), UUID(int=2))
    }
    assert len(kept) == 2 * len(CodePurpose) * 2 * 3
