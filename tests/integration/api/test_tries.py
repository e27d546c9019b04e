"""How often somebody may try a password, at whichever api process."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from api.accounts.tries import Tries
from api.refusals import TooManyTries
from db import retention
from db.models import TryCount
from db.session import Database
from tests.builders import NOON

MINE, YOURS = "+998901234567", "+998907654321"


@pytest.fixture
def tries(database: Database) -> Tries:
    return Tries(database)


def spend(tries: Tries, times: int, account: str = MINE, address: str = "a") -> None:
    for _ in range(times):
        tries.spend(account, address, at=NOON)


def test_after_ten_wrong_passwords_one_has_to_wait(tries: Tries) -> None:
    spend(tries, 10)
    with pytest.raises(TooManyTries) as refusal:
        tries.spend(MINE, "a", at=NOON)
    assert refusal.value.retry_after_s == 301


def test_the_wait_has_an_end(tries: Tries) -> None:
    spend(tries, 10)
    tries.spend(MINE, "a", at=NOON + timedelta(minutes=5))


def test_nobody_can_lock_another_out_from_elsewhere(tries: Tries) -> None:
    spend(tries, 10, address="attacker")
    tries.spend(MINE, "home", at=NOON)


def test_one_address_cannot_try_every_account(tries: Tries) -> None:
    for number in range(100):
        tries.spend(f"+99890{number:07d}", "a", at=NOON)
    with pytest.raises(TooManyTries):
        tries.spend(YOURS, "a", at=NOON)


def test_who_has_a_network_of_addresses_has_the_tries_of_one(tries: Tries) -> None:
    for number in range(10):
        tries.spend(MINE, f"2001:db8:1:2::{number}", at=NOON)
    with pytest.raises(TooManyTries):
        tries.spend(MINE, "2001:db8:1:2:ffff::1", at=NOON)
    tries.spend(MINE, "2001:db8:1:3::1", at=NOON)


def test_a_right_password_is_not_counted(tries: Tries) -> None:
    for _ in range(110):
        tries.spend(MINE, "a", at=NOON)
        tries.forgive(MINE, "a", at=NOON)


def test_who_waits_does_not_use_up_the_tries_of_the_address(tries: Tries) -> None:
    spend(tries, 10)
    for _ in range(95):
        with pytest.raises(TooManyTries):
            tries.spend(MINE, "a", at=NOON)
    tries.spend(YOURS, "a", at=NOON)


def test_all_api_processes_count_together(tries: Tries, database: Database) -> None:
    spend(tries, 10)
    with pytest.raises(TooManyTries):
        Tries(database).spend(MINE, "a", at=NOON)


def test_tries_at_once_are_all_counted(tries: Tries) -> None:
    def one(_: int) -> bool:
        try:
            tries.spend(MINE, "a", at=NOON)
        except TooManyTries:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(one, range(30))) == 10


def test_old_counts_are_cleared_away_and_tell_no_number(tries: Tries, database: Database) -> None:
    spend(tries, 1)
    with database.transaction() as session:
        assert not any(MINE in key for key in session.scalars(select(TryCount.key)))
    assert retention.prune(database, at=NOON)["tries"] == 0
    assert retention.prune(database, at=NOON + timedelta(hours=2))["tries"] == 2
