"""Hashing in turns."""

import threading

import pytest
from pwdlib import PasswordHash

from api.accounts import passwords
from api.refusals import Busy
from tests.servers import eventually


def test_a_password_fits_its_own_hash_alone() -> None:
    hashed = passwords.hash_password("correct horse")
    assert passwords.is_right("correct horse", hashed)
    assert not passwords.is_right("battery staple", hashed)


def test_a_guess_costs_64_mib_and_three_passes(real_hasher: PasswordHash) -> None:
    assert real_hasher.hash("correct horse").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_no_password_fits_where_there_is_none_to_compare() -> None:
    assert not passwords.is_right("nobody has this password", None)


def test_a_flood_is_refused_before_it_takes_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    class Slow:
        def hash(self, _: str) -> str:
            release.wait()
            return "hashed"

    monkeypatch.setattr(passwords, "_hasher", Slow())
    threads = [threading.Thread(target=passwords.hash_password, args=["x"]) for _ in range(14)]
    for thread in threads:
        thread.start()
    eventually(lambda: passwords._admitted._value == 0, "all to be admitted")
    try:
        with pytest.raises(Busy):
            passwords.hash_password("x")
    finally:
        release.set()
        for thread in threads:
            thread.join()
    assert passwords.hash_password("x") == "hashed"
