"""Who is counted as one."""

import pytest

from api.accounts.addresses import origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_of_ipv6_the_whole_network_counts_as_one(address: str, origin: str) -> None:
    assert origin_of(address) == origin
