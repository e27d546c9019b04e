"""Passwords as argon2id hashes; each costs 64 MiB and a seventh of a second, so only few are made at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.refusals import Busy

SHORTEST = 8
LONGEST = 128

_AT_ONCE = 2
_MAY_WAIT = 12
_hashing = threading.BoundedSemaphore(_AT_ONCE)
_admitted = threading.BoundedSemaphore(_AT_ONCE + _MAY_WAIT)

_hasher = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """What may be stored in place of the password."""
    with _turn():
        return _hasher.hash(password)


def is_right(password: str, stored_hash: str | None) -> bool:
    """Whether the password fits; takes the same time when there is nothing to compare it with."""
    with _turn():
        nobodys = _nobodys_hash()
        fits = _hasher.verify(password, stored_hash or nobodys)
        return fits and stored_hash is not None


@contextmanager
def _turn() -> Iterator[None]:
    """Waits for a turn; a flood of logins is refused before it takes the threads that an SOS needs."""
    if not _admitted.acquire(blocking=False):
        raise Busy("too many people are logging in at this moment", retry_after_s=2)
    try:
        with _hashing:
            yield
    finally:
        _admitted.release()


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")
