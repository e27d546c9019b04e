"""Which addresses others may have us speak to."""

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import outside

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001::1",
]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server of our own: each name and its addresses."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror("nobody knows it")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize("address", PRIVATE)
def test_what_only_we_can_reach_is_no_public_address(address: str) -> None:
    assert not outside.is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"])
def test_what_anybody_can_reach_is(address: str) -> None:
    assert outside.is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_whatever_it_is_wrapped(address: Any) -> None:
    for wrapped in (f"::ffff:{address}", str(ip_address(int(ip_address("64:ff9b::")) + int(address)))):
        assert outside.is_public(ip_address(wrapped)) == outside.is_public(address)


def test_a_name_is_good_when_all_its_addresses_are(names: dict[str, list[str]]) -> None:
    names["example.org"] = ["1.1.1.1", "2606:4700::1111"]
    target = outside.look_up("https://example.org/hook?a=1")
    assert target == outside.Target(True, "example.org", 443, "/hook?a=1", ("1.1.1.1", "2606:4700::1111"))
    names["example.org"].append("10.0.0.1")
    with pytest.raises(outside.Inside, match=r"10\.0\.0\.1"):
        outside.look_up("https://example.org/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:word@example.org/",
        "https://example.org:99999/",
        "https://[::1",
        "example.org",
    ],
)
def test_what_is_no_plain_address_over_tls_is_refused(names: dict[str, list[str]], url: str) -> None:
    names["example.org"] = ["1.1.1.1"]
    with pytest.raises(outside.Inside):
        outside.look_up(url)


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost", "[::1]"])
def test_our_own_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises((outside.Inside, outside.Unknown)):
        outside.look_up(f"https://{host}/")


def test_a_network_that_is_allowed_may_be_spoken_to_in_clear(names: dict[str, list[str]]) -> None:
    names["inner"], names["other"] = ["10.1.2.3"], ["10.2.2.3"]
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    assert not outside.look_up("http://inner:8080/x", allowed=allowed).secure
    with pytest.raises(outside.Inside):
        outside.look_up("http://other/", allowed=allowed)


def test_a_name_that_nobody_knows_says_so(names: dict[str, list[str]]) -> None:
    with pytest.raises(outside.Unknown, match="cannot be resolved"):
        outside.look_up("https://nowhere.example/")
