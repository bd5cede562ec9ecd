"""Where the product may connect to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from egress.address import Address, is_public

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Policy:
    """Public addresses, and what the site's owner adds to them."""

    hosts: frozenset[str] = frozenset()  # names whose addresses may be private, e.g. "wiki.corp.example"
    networks: tuple[Network, ...] = field(default=())  # private networks that may be reached under any name
    public: bool = True  # False: only what is named above
    low_ports: frozenset[int] = frozenset({80, 443})  # of those below 1024; mail, shells and the like stay closed
    max_redirects: int = 3

    @classmethod
    def of(cls, allow: Iterable[str], public: bool = True) -> Policy:
        """Return a policy that allows each entry: a host name, an IP address or a network like "10.1.0.0/16"."""
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in allow:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry.lower().removesuffix("."))
        return cls(frozenset(hosts), tuple(networks), public)

    def allows(self, host: str, address: Address) -> bool:
        """Return whether a connection to `address`, found under the name `host`, is allowed."""
        if host in self.hosts or any(address.version == net.version and address in net for net in self.networks):
            return True
        return self.public and is_public(address)

    def allows_port(self, port: int) -> bool:
        """Return whether a connection to `port` is allowed."""
        return port >= 1024 or port in self.low_ports
