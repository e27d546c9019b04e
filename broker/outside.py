"""Addresses of other people's systems: looked up once, checked, and connected to as they were checked.

Whoever may name an address must not reach what only we can reach: our own machine, our network, the cloud's
own services. A name is therefore never resolved twice, and each address it has must be a public one.
"""

import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from broker.settings import BrokerSettings

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))


class OutsideSettings(BrokerSettings):
    """Whom of our own we may tell things all the same."""

    webhook_networks: frozenset[IPv4Network | IPv6Network] = frozenset()


class Inside(ValueError):
    """It is not an address that others may have us speak to; the message says why."""


class Unknown(OSError):
    """The name has no address now."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be spoken to, and where exactly."""

    secure: bool
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def look_up(url: str, *, allowed: Collection[Network] = ()) -> Target:
    """Where `url` leads, if all of that is outside or in a network that is allowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Inside("is not an address") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise Inside("must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise Inside("must not carry a name or a password")
    secure = parts.scheme == "https"
    port = port or (443 if secure else 80)
    found = _resolve(parts.hostname, port)
    ours = [each for each in found if _is_in(each, allowed)]
    for each in found:
        if each not in ours and not is_public(each):
            raise Inside(f"leads to {each}, which is not a public address")
    if not secure and len(ours) < len(found):
        raise Inside("must begin with https://")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, parts.hostname, port, path, tuple(str(each) for each in found))


def is_public(address: Address) -> bool:
    """Whether it is anybody's; an IPv4 address in the clothes of IPv6 is what it stands for."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast


def _is_in(address: Address, networks: Collection[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unknown(f"{host} cannot be resolved: {error}") from None
    return list(dict.fromkeys(ip_address(str(each[4][0]).partition("%")[0]) for each in found))
