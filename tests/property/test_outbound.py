"""The guard under arbitrary text and arbitrary addresses."""

import socket
import string
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from unittest.mock import patch
from urllib.parse import urlsplit

from hypothesis import assume, example, given
from hypothesis import strategies as st

from flasgo.outbound import SSRFConfig, SSRFGuard, SSRFResolvedURL, SSRFViolation
from flasgo.outbound.addresses import Reach, verdict_of

# The oracle: which numbers are special, from the IANA registries and RFC 6052, 8215, 7526 and 4380, as numbers and not as the
# package has them. Inclusive bounds, in hexadecimal.
SPECIAL_IPV4 = [
    (0x00000000, 0x00FFFFFF),
    (0x0A000000, 0x0AFFFFFF),
    (0x64400000, 0x647FFFFF),
    (0x7F000000, 0x7FFFFFFF),
    (0xA83F8110, 0xA83F8110),
    (0xA9FE0000, 0xA9FEFFFF),
    (0xAC100000, 0xAC1FFFFF),
    (0xC0000000, 0xC00000FF),
    (0xC0000200, 0xC00002FF),
    (0xC0586300, 0xC05863FF),
    (0xC0A80000, 0xC0A8FFFF),
    (0xC6120000, 0xC613FFFF),
    (0xC6336400, 0xC63364FF),
    (0xCB007100, 0xCB0071FF),
    (0xE0000000, 0xFFFFFFFF),
]
NOT_PRIVATE_BUT_SPECIAL_IPV4 = [
    (0x00000000, 0x00FFFFFF),
    (0x646464C8, 0x646464C8),
    (0xA83F8110, 0xA83F8110),
    (0xA9FE0000, 0xA9FEFFFF),
    (0xC0000000, 0xC00000FF),
    (0xC0000200, 0xC00002FF),
    (0xC0586300, 0xC05863FF),
    (0xC6336400, 0xC63364FF),
    (0xCB007100, 0xCB0071FF),
    (0xE0000000, 0xFFFFFFFF),
]


def _within(number: int, ranges: list[tuple[int, int]]) -> bool:
    return any(first <= number <= last for first, last in ranges)


def oracle(address: IPv4Address | IPv6Address, *, private: bool = False) -> bool:
    """May this address be connected to?"""
    number = int(address)
    if isinstance(address, IPv6Address):
        if number >> 32 in {0xFFFF, 0x64FF9B << 64}:
            number &= 0xFFFFFFFF
        else:
            return _oracle6(number, private=private)
    return not _within(number, NOT_PRIVATE_BUT_SPECIAL_IPV4 if private else SPECIAL_IPV4)


def _oracle6(number: int, *, private: bool) -> bool:
    head = f"{number:032x}"
    if private and (number == 1 or head[:2] in {"fc", "fd"} or (head[:2] == "fe" and head[2] in "cdef")):
        metadata = {
            "fd2000ce000000000000000000000254",
            "fd0000c10000000000000000a9fea9fe",
            "fd000042000000000000000000000042",
            "fd00a9fea9fe00000000000000000001",
            "fd000100000000000000000001000200",
        }
        return head not in metadata and not head.startswith("fd000ec2")
    refused = head.startswith(("2002", "20010db8", "3fff0")) or (head.startswith("2001") and int(head[4:8], 16) < 0x200)
    return head[0] in "23" and not refused


EDGES = [
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24",
    "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32 100.100.100.200/32",
    "::/127 ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2000::/3 2001::/32 2001::/23 2001:db8::/32",
    "2002::/16 3fff::/20 4000::/2 5f00::/16 fc00::/7 fd00:ec2::/32 fd20:ce::254/128 fe80::/10 fec0::/10 ff00::/8",
]


def _edges() -> list[int | tuple[int]]:
    numbers: list[int | tuple[int]] = []
    for text in " ".join(EDGES).split():
        network = IPv6Network(text) if ":" in text else IPv4Network(text)
        first, last = int(network.network_address), int(network.broadcast_address)
        bits = network.max_prefixlen
        around = [n % 2**bits for n in (first - 1, first, first + 1, last - 1, last, last + 1)]
        numbers += around if bits == 128 else [(n,) for n in around]
    return numbers


def _address(number: int | tuple[int]) -> IPv4Address | IPv6Address:
    return IPv4Address(number[0]) if isinstance(number, tuple) else IPv6Address(number)


V4 = st.integers(0, 2**32 - 1).map(IPv4Address) | st.ip_addresses(v=4)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address) | st.ip_addresses(v=6)
EMBEDDING = st.sampled_from(
    ["::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2001:db8::", "2606:4700::"]
)
EMBEDDED = st.builds(lambda prefix, inner: IPv6Address(int(IPv6Address(prefix)) | int(inner)), EMBEDDING, V4)
SIX_TO_FOUR = V4.map(lambda inner: IPv6Address(0x2002 << 112 | int(inner) << 80 | 1))
TEREDO = st.builds(
    lambda server, client: IPv6Address(0x20010000 << 96 | int(server) << 64 | int(client) ^ 0xFFFFFFFF), V4, V4
)
ADDRESSES = V4 | V6 | EMBEDDED | SIX_TO_FOUR | TEREDO | st.sampled_from(_edges()).map(_address)


@given(ADDRESSES)
def test_the_verdict_is_that_of_the_registries(address: IPv4Address | IPv6Address):
    reach = verdict_of(address).reach

    assert (reach is Reach.PUBLIC) == oracle(address)
    assert (reach is not Reach.NEVER) == (oracle(address) or oracle(address, private=True))


def test_the_verdict_on_every_edge_is_that_of_the_registries():
    for number in _edges():
        address = _address(number)
        reach = verdict_of(address).reach
        assert (reach is Reach.PUBLIC) == oracle(address), address
        assert (reach is not Reach.NEVER) == (oracle(address) or oracle(address, private=True)), address


@given(ADDRESSES)
def test_what_this_python_calls_private_or_special_is_not_public(address: IPv4Address | IPv6Address):
    special = (
        address.is_private,
        address.is_loopback,
        address.is_link_local,
        address.is_multicast,
        address.is_unspecified,
        not address.is_global,
        isinstance(address, IPv6Address) and address.is_site_local,
    )
    if any(special) and not (isinstance(address, IPv6Address) and address.ipv4_mapped):
        assert verdict_of(address).reach is not Reach.PUBLIC


HOSTILE = st.text("/:@?#[]\\.%0x127ab-_ ü。①\t\n\0\u200d\ud800", max_size=30)
AUTHORITY = st.text(string.ascii_letters + string.digits + ".-_:@[]%ü", max_size=40)
URLS = (
    st.text(max_size=60)
    | HOSTILE
    | HOSTILE.map("http://".__add__)
    | st.builds("{}://{}{}".format, st.sampled_from(["http", "HTTPS", "ftp", ""]), AUTHORITY, HOSTILE)
    | st.builds("http://{}/{}".format, st.ip_addresses().map(lambda a: f"[{a}]" if a.version == 6 else str(a)), HOSTILE)
)


def _resolver(*addresses: str):
    def getaddrinfo(host: str, port: int, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        assert isinstance(host, str)
        assert host.isascii()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return patch("socket.getaddrinfo", getaddrinfo)


def _outcome(resolve: Callable[..., SSRFResolvedURL], *args: object) -> SSRFResolvedURL | SSRFViolation:
    try:
        return resolve(*args)
    except SSRFViolation as refused:
        return refused


RULES = st.builds(
    SSRFConfig,
    allow_private_networks=st.booleans(),
    allow_userinfo=st.booleans(),
    allow_unresolvable_hosts=st.booleans(),
    max_redirects=st.integers(0, 3),
)


@given(URLS, RULES)
@example("http://[::1", SSRFConfig())
@example("http://ü..de/", SSRFConfig())
@example("http://[::1%0]/", SSRFConfig())
@example("http://xn--a/", SSRFConfig())
def test_any_text_is_resolved_or_refused(url: str, rules: SSRFConfig):
    guard = SSRFGuard(rules)
    with _resolver("93.184.216.34"):
        target = _outcome(guard.resolve_url, url)
    if isinstance(target, SSRFViolation):
        assert str(target).isprintable()
        assert target.__cause__ is None
        return
    assert target.original_url == url
    assert target.url.isascii()
    assert target.url.isprintable()
    assert target.host_header.isascii()
    assert target.port in {80, 443}
    parts = urlsplit(target.url)  # another parser agrees with what is said
    assert parts.hostname is not None
    assert ip_address(parts.hostname) == target.address
    assert oracle(ip_address(parts.hostname)) or rules.allow_private_networks
    assert parts.port in {None, target.port}
    assert guard.resolve_url(target.url).url == target.url  # what is pinned stays pinned


@given(st.lists(ADDRESSES, min_size=1, max_size=4), st.booleans())
def test_a_name_passes_only_if_every_address_may_be_reached(found: list[IPv4Address | IPv6Address], private: bool):
    guard = SSRFGuard(SSRFConfig(allow_private_networks=private))
    expected = all(oracle(address) or (private and oracle(address, private=True)) for address in found)
    with _resolver(*map(str, found)):
        target = _outcome(guard.resolve_url, "http://name.example/")
    assert isinstance(target, SSRFResolvedURL) == expected
    if isinstance(target, SSRFResolvedURL):
        assert target.address == min(found, key=lambda address: address.packed)


@given(URLS, st.sampled_from(["https://a.example/b?c", "http://a.example"]))
def test_any_location_is_followed_or_refused(location: str, base: str):
    guard = SSRFGuard(SSRFConfig(max_redirects=1))
    with _resolver("93.184.216.34"):
        current = guard.resolve_url(base)
        target = _outcome(guard.redirect_target, current, location)
    if isinstance(target, SSRFResolvedURL):
        assert target.redirects == 1
        assert target.url.startswith("https:") or base.startswith("http:")


SECRETS = st.text(string.ascii_letters + string.digits + "!$&'()*+,;=:-._~%", min_size=3, max_size=20).map(
    "hunter2".__add__
)


@given(SECRETS, URLS)
def test_credentials_are_in_no_message(secret: str, url: str):
    assume("//" in url)
    scheme, _, rest = url.partition("//")
    with _resolver("127.0.0.1"):
        refused = _outcome(SSRFGuard().resolve_url, f"{scheme}//{secret}@{rest}")
    assert isinstance(refused, SSRFViolation)
    assert secret not in str(refused)
