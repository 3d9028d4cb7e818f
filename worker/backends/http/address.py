"""Which addresses may be connected to: the public internet's, and those that the operator allows by name.

The tables are IANA's special-purpose address registries (iana-ipv4-special-registry, iana-ipv6-special-registry), and
the one address in public space where a cloud keeps a service for its own machines. Of IPv6 only global unicast space is
public; forms that wrap an IPv4 address (mapped, NAT64, 6to4, Teredo) are not, whatever they wrap.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from worker.errors import Misconfigured

Address = IPv4Address | IPv6Address

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # Azure's own services, for machines inside
        ),
    )
)
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
_GLOBAL_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")))


def public(address: Address) -> bool:
    """Whether anybody on the internet could reach it."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address.scope_id is None and address in _GLOBAL_6 and not any(address in each for each in _NOT_PUBLIC_6)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that is allowed: a network, or a host by its name; at one port, or (None) at the usual ones."""

    network: IPv4Network | IPv6Network | None
    name: str
    port: int | None


class Guard:
    """Decides. `ports` are the usual ones; `allowed` lists `HOST`, `HOST:PORT`, `ADDRESS`, `NETWORK` with commas."""

    def __init__(self, ports: str, allowed: str = "") -> None:
        self._ports = frozenset(_port(each) for each in _listed(ports))
        self._entries = tuple(_entry(each) for each in _listed(allowed))

    def port_may_be(self, port: int) -> bool:
        """Whether any host might be asked at this port."""
        return port in self._ports or any(entry.port == port for entry in self._entries)

    def lets(self, host: str, address: Address, port: int) -> bool:
        """Whether the host, which has this address, may be connected to at this port."""
        if public(address) and port in self._ports:
            return True
        return any(self._allows(entry, host, address, port) for entry in self._entries)

    def _allows(self, entry: Entry, host: str, address: Address, port: int) -> bool:
        if port != entry.port if entry.port else port not in self._ports:
            return False
        if entry.network:
            return address in entry.network
        # A name is answered for by its name server, which must not be able to say "the metadata server".
        dangerous = address.is_link_local or address.is_multicast or address.is_unspecified
        return entry.name == host.rstrip(".").lower() and not dangerous


def parsed(addresses: Iterable[str]) -> list[Address]:
    """The addresses that a resolver answered with."""
    return [ip_address(each) for each in addresses]


def plainly_written(host: str) -> bool:
    """False for what some take for an IPv4 address, and others for another one or a name: 0177.1, 2130706433."""
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return True
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        return False


def _entry(text: str) -> Entry:
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    number = _port(port) if port else None
    try:
        return Entry(ip_network(host), "", number)
    except ValueError:
        return Entry(None, host.rstrip(".").lower(), number)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Misconfigured(f"IMAGEMETA_FETCH_PORTS, IMAGEMETA_FETCH_ALLOW: {text!r} is no port")
    return int(text)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
