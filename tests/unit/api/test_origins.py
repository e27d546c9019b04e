"""Which pages may open a socket."""

import pytest

from api.admission import may_come_from

ALLOWED = frozenset({"https://desk.example.org"})


@pytest.mark.parametrize(
    ("origin", "host", "may"),
    [
        (None, "mayday.example.org", True),
        ("http://mayday.example.org", "mayday.example.org", True),
        ("https://mayday.example.org", "mayday.example.org:443", True),
        ("http://mayday.example.org", "mayday.example.org:443", False),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://127.0.0.1:9000", "127.0.0.1:8000", False),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://desk.example.org", "mayday.example.org", True),
        ("https://desk.example.org.evil.example", "mayday.example.org", False),
        ("http://evil.example", "mayday.example.org", False),
        ("http://MAYDAY.example.org", "mayday.example.ORG", True),
        ("null", "mayday.example.org", False),
        ("", "", False),
        ("http://[", "[", False),
        ("http://x:port", "x:port", False),
        ("http://evil.example", None, False),
    ],
)
def test_only_our_own_pages_and_those_named_may(origin: str | None, host: str | None, may: bool) -> None:
    assert may_come_from(origin, host, ALLOWED) is may
