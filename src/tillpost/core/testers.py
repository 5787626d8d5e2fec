"""Whose orders are tests: the shop's own people, by e-mail, by its domain, or by network."""

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class Testers(Struct, frozen=True):
    """E-mails in lower case, their domains, and networks; empty by default."""

    emails: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()


NOBODY = Testers()


def read(texts: Iterable[str]) -> Testers:
    """`qa@acme.example`, `@acme.example` for all of a domain, `203.0.113.7` or `2001:db8::/48`.

    Raises `ValueError` for a text that is none of these.
    """
    emails, domains, networks = set(), set(), []
    for text in (given.strip().casefold() for given in texts):
        name, at, domain = text.rpartition("@")
        if not at:
            networks.append(ipaddress.ip_network(text, strict=False))
        elif not domain:
            raise ValueError(f"{text!r} names no domain")
        elif name:
            emails.add(text)
        else:
            domains.add(domain)
    return Testers(frozenset(emails), frozenset(domains), tuple(networks))


def is_tester(testers: Testers, emails: Iterable[str], address: str | None) -> bool:
    """Whether one of the e-mails, as they were typed, or the public address is a tester's."""
    typed = {email.strip().casefold() for email in emails}
    if typed & testers.emails or {one.rpartition("@")[2] for one in typed} & testers.domains:
        return True
    if address is None or not testers.networks:
        return False
    place = ipaddress.ip_address(address)
    return any(place in network for network in testers.networks)
