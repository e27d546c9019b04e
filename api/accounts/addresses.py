"""Addresses of clients, as limits count them."""

import ipaddress


def origin_of(address: str) -> str:
    """Who is counted as one: of IPv6 the network, for everybody there has a whole one."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(ipaddress.ip_network((known, 64), strict=False))
