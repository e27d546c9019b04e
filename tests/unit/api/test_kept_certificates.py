"""Google is asked for its certificates when they are too old, and not at every login."""

from typing import Any

import pytest
from google.auth.exceptions import TransportError

from api.accounts.certificates import KeptCertificates
from tests.google import Certificates

URL = "https://certificates.example.org/"


class Clock:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def kept_by(google: Any, clock: Clock) -> KeptCertificates:
    return KeptCertificates(google, clock=clock)


def test_they_are_asked_for_once_while_they_are_good(clock: Clock) -> None:
    google = Certificates({"a": "certificate"}, max_age_s=100)
    kept = kept_by(google, clock)
    assert kept(URL).data == kept(URL).data == b'{"a": "certificate"}'
    clock.s += 99
    kept(URL)
    assert google.asked == 1
    clock.s += 1
    kept(URL)
    assert google.asked == 2


def test_a_life_that_is_not_told_or_too_long_is_bounded(clock: Clock) -> None:
    for told, longest_s in ((None, 3600), (10**8, 86400)):
        google = Certificates({}, max_age_s=told)
        kept = kept_by(google, clock)
        kept(URL)
        clock.s += longest_s
        kept(URL)
        assert google.asked == 2


def test_who_cannot_be_reached_is_left_alone_for_a_moment(clock: Clock) -> None:
    google = Certificates({}, status=500)
    kept = kept_by(google, clock)
    for _ in range(3):
        with pytest.raises(TransportError):
            kept(URL)
    assert google.asked == 1
    clock.s += 5
    google.status = 200
    assert kept(URL).status == 200


@pytest.mark.parametrize("data", [b"<html>log in to the network</html>", b"[]", b"\xff"])
def test_what_is_no_certificates_is_not_kept(clock: Clock, data: bytes) -> None:
    google = Certificates({})
    google.data = data
    kept = kept_by(google, clock)
    with pytest.raises(TransportError):
        kept(URL)
    clock.s += 5
    google.data = b"{}"
    assert kept(URL).data == b"{}"


def test_old_certificates_are_not_used_when_there_are_no_new_ones(clock: Clock) -> None:
    google = Certificates({}, max_age_s=100)
    kept = kept_by(google, clock)
    kept(URL)
    clock.s += 100
    google.status = 500
    with pytest.raises(TransportError):
        kept(URL)
