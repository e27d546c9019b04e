"""Codes that change every half minute."""

from datetime import UTC, datetime, timedelta

import pytest

from api.accounts import totp
from tests.builders import NOON

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    step = totp.step_of(datetime.fromtimestamp(second, UTC))
    assert totp.code(SECRET, step, digits=8) == code


@pytest.mark.parametrize(("late_s", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_is_good_for_one_step_around_its_own(late_s: int, good: bool) -> None:
    step = totp.step_of(NOON)
    found = totp.find_step(SECRET, totp.code(SECRET, step), after=0, at=NOON + timedelta(seconds=late_s))
    assert found == (step if good else None)


def test_a_step_that_was_used_and_those_before_it_are_good_no_more() -> None:
    step = totp.step_of(NOON)
    for used in (step, step - 1):
        assert totp.find_step(SECRET, totp.code(SECRET, used), after=step, at=NOON) is None
    assert totp.find_step(SECRET, totp.code(SECRET, step + 1), after=step, at=NOON) == step + 1


@pytest.mark.parametrize("said", ["", "12345", "1234567", "жжжжжж", "²²²²²²"])
def test_what_is_no_code_is_none(said: str) -> None:
    assert totp.find_step(SECRET, said, after=0, at=NOON) is None


def test_an_app_reads_secret_and_account_from_the_uri() -> None:
    assert totp.uri(SECRET, account="+998901234567") == (
        "otpauth://totp/Mayday%3A%2B998901234567?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Mayday"
    )
