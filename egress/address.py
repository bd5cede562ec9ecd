"""URLs, parsed once and strictly; and which network addresses are public.

Other parsers are lenient in different ways, and every difference between the one that checks and the one that
connects is a hole. So whatever is unusual is refused here, and nobody parses the text again: the connection is
made from the parts of `Target`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin

import idna

from egress.errors import AddressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_URL = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]*)(?P<target>[^#]*)", re.IGNORECASE)
_PORT = re.compile(r":(?P<port>[0-9]{1,5})$")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\ufeff\\]")
_SAFE_IN_TARGET = "!$%&'()*+,-./:;=?@_~[]|"
MAX_URL_CHARACTERS = 4096

# Python's `is_global` passes several ranges that lead to other networks, so public space is named here.
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_NEVER_V6 = tuple(
    ipaddress.ip_network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # special use, examples, 6to4, examples
)
_NEVER_V4 = tuple(ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24"))  # special use, 6to4 relay


@dataclass(frozen=True, slots=True)
class Target:
    """One URL in parts, ready to connect to."""

    scheme: str  # "http" or "https"
    host: str  # lower case ASCII name without trailing dot, or an IP address without brackets
    port: int  # 1..65535
    target: str  # path and query, percent-encoded, starts with "/"

    @property
    def authority(self) -> str:
        """Return what belongs into the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the whole URL, without fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> Target:
        """Return the target of a redirect to `location`; raises AddressRefused like `parse`."""
        return parse(joined(self.url, location))


def joined(base: str, location: str) -> str:
    """Return the absolute URL that a redirect from `base` leads to, not checked yet.

    Raises AddressRefused when `location` is no URL at all.
    """
    try:
        return urljoin(base, location)
    except ValueError as exc:  # brackets around what is no IPv6 address
        place, shown = (text.split("?", 1)[0][:200] for text in (base, location))  # a query may hold a key
        raise AddressRefused(f"{place} redirects to {shown!r}, which is no URL.") from exc


def parse(url: str) -> Target:
    """Return the parts of an absolute http or https URL; a fragment is dropped.

    Raises AddressRefused for anything unusual: another scheme, a user name, control characters or backslashes, a
    host that is a number in disguise, a port out of range.
    """
    shown = url[:200]
    if len(url) > MAX_URL_CHARACTERS:
        raise AddressRefused(f"The URL {shown!r}... has {len(url)} characters; at most {MAX_URL_CHARACTERS} are taken.")
    if _FORBIDDEN.search(url):
        raise AddressRefused(f"The URL {shown!r} holds a space, a control character or a backslash; remove it.")
    match = _URL.match(url)
    if not match or match["scheme"].lower() not in _DEFAULT_PORTS:
        raise AddressRefused(f"{shown!r} is not an http or https URL; write it like https://example.com/page.")
    scheme = match["scheme"].lower()
    host, port = _split_authority(match["authority"], shown)
    target = match["target"] if match["target"].startswith("/") else "/" + match["target"]
    return Target(scheme, _host(host, shown), port or _DEFAULT_PORTS[scheme], quote(target, safe=_SAFE_IN_TARGET))


def is_public(address: Address) -> bool:
    """Return whether `address` belongs to a host on the public internet, not to any private or special network.

    Addresses that carry another one inside (IPv4-mapped, 6to4, NAT64, Teredo) are never public.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in net for net in _NEVER_V4)
    return address in _PUBLIC_V6 and address.is_global and not any(address in net for net in _NEVER_V6)


def _split_authority(authority: str, shown: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise AddressRefused(f"The URL {shown!r} carries a user name; remove everything up to the '@'.")
    match = _PORT.search(authority)
    if match is None:
        return authority.removesuffix(":"), None
    port = int(match["port"])
    if not 1 <= port <= 65535:
        raise AddressRefused(f"The URL {shown!r} names port {port}; ports go from 1 to 65535.")
    return authority[: match.start()], port


def _host(host: str, shown: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        return _literal(host[1:-1], shown)
    name = host.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as exc:
            raise AddressRefused(f"The host in {shown!r} is not a valid name ({exc}).") from exc
    if _NUMBER.fullmatch(name.rsplit(".", 1)[-1]):  # a number: an address in the one plain form, or a disguise
        return _literal(name, shown)
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise AddressRefused(f"The host in {shown!r} is not a valid name.")
    return name


def _literal(text: str, shown: str) -> str:
    try:
        return str(ipaddress.ip_address(text)) if "%" not in text else _no_zone(shown)
    except ValueError as exc:
        raise AddressRefused(f"The host in {shown!r} is not a plain IP address; write it like 203.0.113.7.") from exc


def _no_zone(shown: str) -> str:
    raise AddressRefused(f"The host in {shown!r} names a network interface; write the address without '%'.")
