"""Which addresses and names an outbound request may lead to. Pure verdicts: nothing is looked up here.

    public      may be connected to
    private     only where private networks are allowed
    never       not even there: cloud metadata services, and whatever no server of anybody's can be on

The tables are the IANA special-purpose registries (RFC 6890), complete in themselves: those of `ipaddress` are not the
same from Python 3.11 to 3.14, and call `64:ff9b::7f00:1`, `fec0::1` and `5f00::1` global. What they let pass must be
global to `ipaddress` as well, so that a Python that knows of a later registry is heard.

IPv6 is public inside 2000::/3 only, the one prefix that is given out (RFC 4291 §2.4). An IPv4 address inside an IPv6 one is
judged by itself where a resolver may rightly answer with it: IPv4-mapped, and 64:ff9b::/96 of NAT64 (RFC 6052). Every other
form that embeds one is refused as a whole: 64:ff9b:1::/48, 6to4, Teredo, IPv4-compatible and IPv4-translated.
"""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

from msgspec import Struct

Address: TypeAlias = IPv4Address | IPv6Address


class Reach(Enum):
    PUBLIC = "public"
    PRIVATE = "private"
    NEVER = "never"


class Verdict(Struct, frozen=True):
    """How far a request to an address may go, and what is there, as the end of a sentence."""

    reach: Reach
    what: str


PUBLIC = Verdict(Reach.PUBLIC, "a public address")
PRIVATE = Verdict(Reach.PRIVATE, "a private network")
LOOPBACK = Verdict(Reach.PRIVATE, "this machine itself")
METADATA = Verdict(Reach.NEVER, "a cloud metadata service")
LINK_LOCAL = Verdict(Reach.NEVER, "a link-local address, as cloud metadata services have")
MULTICAST = Verdict(Reach.NEVER, "a multicast address")
RESERVED = Verdict(Reach.NEVER, "an address that is reserved")

_TABLE: tuple[tuple[Verdict, str], ...] = (  # the first that holds an address decides
    (METADATA, "100.100.100.200 fd00:100::100:200"),  # Alibaba
    (METADATA, "168.63.129.16"),  # Azure's wire server, inside a public range
    (METADATA, "fd00:ec2::/32 fd20:ce::254"),  # AWS, Google
    (METADATA, "fd00:c1::a9fe:a9fe fd00:42::42 fd00:a9fe:a9fe::1"),  # Oracle, Scaleway, Akamai
    (LINK_LOCAL, "169.254.0.0/16 fe80::/10"),
    (LOOPBACK, "127.0.0.0/8 ::1"),
    (PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"),
    (PRIVATE, "100.64.0.0/10 198.18.0.0/15 fec0::/10"),  # shared (RFC 6598), benchmarks, site-local
    (MULTICAST, "224.0.0.0/4 ff00::/8"),
    (RESERVED, "0.0.0.0/8 240.0.0.0/4"),  # this network, future use and broadcast
    (RESERVED, "192.0.0.0/24 2001::/23"),  # protocol assignments, with Teredo and ORCHID
    (RESERVED, "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),  # documentation
    (RESERVED, "192.88.99.0/24 2002::/16"),  # 6to4 (RFC 7526)
    (RESERVED, "::/3 4000::/2 8000::/1"),  # the rest of what is not global unicast
)
_NETWORKS = tuple((ip_network(text), verdict) for verdict, networks in _TABLE for text in networks.split())

_CARRIERS = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""Prefixes whose last 32 bits are the IPv4 address that is really reached."""


def verdict_of(address: Address) -> Verdict:
    """How far a request to this address may go."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:  # a zone is part of link-local addresses (RFC 4007 §11)
            return LINK_LOCAL
        if any(address in carrier for carrier in _CARRIERS):
            return verdict_of(IPv4Address(int(address) & 0xFFFF_FFFF))
    for network, verdict in _NETWORKS:
        if address in network:
            return verdict
    return PUBLIC if address.is_global else RESERVED


_NAMES: tuple[tuple[str, Verdict], ...] = (
    ("localhost", LOOPBACK),
    ("localhost.localdomain", LOOPBACK),
    ("localhost4", LOOPBACK),
    ("localhost6", LOOPBACK),
    ("ip6-localhost", LOOPBACK),
    ("ip6-loopback", LOOPBACK),
    ("metadata", METADATA),
    ("metadata.google.internal", METADATA),
    ("metadata.goog", METADATA),
    ("metadata.tencentyun.com", METADATA),
    ("instance-data", METADATA),
    ("instance-data.ec2.internal", METADATA),
)


def verdict_of_name(name: str) -> Verdict:
    """How far a request to this name may go before anybody has looked it up; its sub-domains fare as it does.

    `name` is in lower case and without a trailing dot.
    """
    return next((verdict for known, verdict in _NAMES if f".{name}".endswith(f".{known}")), PUBLIC)
