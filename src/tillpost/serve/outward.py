"""Where requests may go out to: never to an address that only this machine's network knows.

A host is resolved once, every address is checked, and the connection goes to the address
that was checked, so that a name cannot change its mind in between. Allowed besides public
addresses: the server itself (the embedded receiver), and networks that the owner named.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

import httpcore2

from tillpost.core.outcome import Misconfigured
from tillpost.deliver.contract import EMBEDDED

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks: TypeAlias = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

_IETF = ipaddress.IPv4Network("192.0.0.0/24")
"""Protocol assignments; Python before 3.12 calls parts of it global."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that the Internet has of IPv6. Python calls much else global: site-local addresses, a
network's own NAT64, IPv4 addresses written in the old way."""
_DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")


class Guarded(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses alone; raises `httpcore2.ConnectError` for any other."""

    def __init__(self, own_url: str | None = None, allowed: Networks = ()) -> None:
        own = urlsplit(own_url or "")
        self._own = (own.hostname, own.port)
        self._allowed = allowed
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first of the host's addresses that answers."""
        addresses = await _resolve(host, port, timeout)
        if (host, port) != self._own:
            for address in addresses:
                if not may_reach(address, self._allowed):
                    raise httpcore2.ConnectError(f"{host} is at an address of a private network")
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(
            str(addresses[-1]), port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def may_reach(address: Address, allowed: Networks = ()) -> bool:
    """Whether the address is public, or of a network that the owner named.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is looked at as itself.
    """
    if any(address in network for network in allowed):
        return True
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return may_reach(inner, allowed)
        if address not in _GLOBAL_UNICAST or address in _DOCUMENTATION:
            return False
    return address.is_global and not address.is_multicast and address not in _IETF


def check_url(url: str, where: str, allowed: Networks = ()) -> None:
    """Raises `Misconfigured` unless the address is https and may be reached as far as it tells.

    Plain http is for networks that the owner named.
    """
    if url == EMBEDDED:
        return
    parts = _parts(url)
    if parts is None:
        raise Misconfigured(f"{where}: this is no address; write https://host/path, without spaces")
    if parts.username or parts.password:
        raise Misconfigured(f"{where}: leave user and password out of the address")
    if not parts.hostname or parts.scheme not in {"https", "http"}:
        raise Misconfigured(f"{where}: write an address that begins with https://")
    if parts.scheme == "http" and not allowed:
        raise Misconfigured(f"{where}: use https; http is for networks of server.private_networks")
    literal = _literal(parts.hostname)
    if literal is not None and not may_reach(literal, allowed):
        raise Misconfigured(
            f"{where}: {parts.hostname} is an address of a private network; if it is yours, name "
            "it in server.private_networks"
        )


def _parts(url: str) -> SplitResult | None:
    """The parts of an address, if it is one and its port is, too."""
    try:
        parts = urlsplit(url)
        return parts if url.isprintable() and parts.port != 0 else None
    except ValueError:
        return None


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def _resolve(host: str, port: int, seconds: float | None) -> list[Address]:
    """Every address of the host; odd spellings of numbers are resolved as the system does."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise httpcore2.ConnectTimeout(f"nobody told where {host} is") from None
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} is not known: {type(error).__name__}") from None
    return [ipaddress.ip_address(row[4][0]) for row in found]
