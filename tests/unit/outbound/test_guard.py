"""Where a URL may lead, and what is handed back to connect with."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest

from flasgo.errors import ConfigurationError
from flasgo.outbound import SSRFConfig, SSRFGuard, SSRFResolvedURL, SSRFViolation

PUBLIC = "93.184.216.34"


class DNS:
    """What the names of a test resolve to; each answer of a list is given once, the last for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        self.asked.append((host, port))
        known = self.answers.get(host, [[PUBLIC]])
        answer = known.pop(0) if len(known) > 1 else known[0]
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]


@pytest.fixture(autouse=True)
def dns(monkeypatch: pytest.MonkeyPatch) -> DNS:
    fake = DNS()
    monkeypatch.setattr(socket, "getaddrinfo", fake)
    return fake


Resolve = Callable[[SSRFGuard, str], SSRFResolvedURL]
Redirect = Callable[[SSRFGuard, SSRFResolvedURL, str], SSRFResolvedURL]


@pytest.fixture(params=["sync", "async"])
def resolve(request: pytest.FixtureRequest) -> Resolve:
    if request.param == "sync":
        return SSRFGuard.resolve_url
    return lambda guard, url: asyncio.run(guard.aresolve_url(url))


@pytest.fixture(params=["sync", "async"])
def redirect(request: pytest.FixtureRequest) -> Redirect:
    if request.param == "sync":
        return SSRFGuard.redirect_target
    return lambda guard, current, location: asyncio.run(guard.aredirect_target(current, location))


def guard(**rules: Any) -> SSRFGuard:
    return SSRFGuard(SSRFConfig(**rules))


def refusal(url: str, **rules: Any) -> str:
    with pytest.raises(SSRFViolation) as refused:
        guard(**rules).resolve_url(url)
    return refused.value.code


def test_a_public_url_is_pinned_to_its_address(resolve: Resolve, dns: DNS):
    target = resolve(SSRFGuard(), "HTTPS://API.Example.com./a%20b?c=d#e")

    assert target == SSRFResolvedURL(
        original_url="HTTPS://API.Example.com./a%20b?c=d#e",
        url=f"https://{PUBLIC}/a%20b?c=d#e",
        hostname="api.example.com",
        port=443,
        address=IPv4Address(PUBLIC),
        host_header="api.example.com",
        redirects=0,
    )
    assert dns.asked == [("api.example.com", 443)]


def test_an_explicit_port_stays_in_the_url_and_in_the_host_header(resolve: Resolve):
    target = resolve(SSRFGuard(), "http://api.example.com:443/")

    assert (target.url, target.host_header, target.port) == (f"http://{PUBLIC}:443/", "api.example.com:443", 443)


def test_an_ipv6_address_is_pinned_in_brackets(resolve: Resolve, dns: DNS):
    dns.answers["api.example.com"] = [["2606:4700::1"]]

    target = resolve(SSRFGuard(), "http://api.example.com:80/a")

    assert target.url == "http://[2606:4700::1]:80/a"
    assert target.address == IPv6Address("2606:4700::1")


def test_an_address_in_the_url_is_checked_and_needs_no_dns(resolve: Resolve, dns: DNS):
    target = resolve(SSRFGuard(), "http://[2606:4700:0::1]/a")

    assert target.url == "http://[2606:4700::1]/a"
    assert (target.hostname, target.host_header) == ("2606:4700::1", "[2606:4700::1]")
    assert dns.asked == []


def test_an_international_name_is_asked_for_in_ascii(resolve: Resolve, dns: DNS):
    target = resolve(SSRFGuard(), "https://münchen.de/ü")

    assert (target.hostname, target.host_header) == ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de")
    assert target.url == f"https://{PUBLIC}/%C3%BC"
    assert dns.asked == [("xn--mnchen-3ya.de", 443)]


def test_of_several_addresses_the_smallest_is_pinned(resolve: Resolve, dns: DNS):
    dns.answers["a.example"] = [["93.184.216.34", "9.9.9.9", "2606:4700::1", "11.0.0.1"]]

    assert resolve(SSRFGuard(), "http://a.example/").address == ip_address("9.9.9.9")


@pytest.mark.parametrize(
    "bad", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%2", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_address_among_good_ones_refuses_them_all(resolve: Resolve, dns: DNS, bad: str, place: int):
    addresses = ["9.9.9.9", "2606:4700::1"]
    addresses.insert(place, bad)
    dns.answers["a.example"] = [addresses]

    with pytest.raises(SSRFViolation) as refused:
        resolve(SSRFGuard(), "http://a.example/")
    assert refused.value.code == "address_not_allowed"
    assert bad not in str(refused.value)


def test_a_name_that_rebinds_is_asked_for_once(resolve: Resolve, dns: DNS):
    """The second answer, private, is what a client that looks the name up again would get."""
    dns.answers["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]

    target = resolve(SSRFGuard(), "http://rebind.example/")

    assert target.url == f"http://{PUBLIC}/"
    assert len(dns.asked) == 1
    with pytest.raises(SSRFViolation):
        resolve(SSRFGuard(), "http://rebind.example/")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://api.example.com/", "scheme_not_allowed"),
        ("file:///etc/passwd", "malformed_url"),
        ("file://etc/passwd", "scheme_not_allowed"),
        ("gopher://api.example.com:80/", "scheme_not_allowed"),
        ("javascript:alert(1)", "malformed_url"),
        ("http://user@api.example.com/", "userinfo_not_allowed"),
        ("http://user:pass@api.example.com/", "userinfo_not_allowed"),
        ("http://@api.example.com/", "userinfo_not_allowed"),
        ("http://api.example.com:22/", "port_not_allowed"),
        ("http://api.example.com:8080/", "port_not_allowed"),
        ("http://[::1", "malformed_url"),
        ("http://ü..de/", "malformed_url"),
        ("http://127.1/", "malformed_url"),
        ("http://2130706433/", "malformed_url"),
        ("http://127.0.0.1/", "address_not_allowed"),
        ("http://①②⑦.⓪.⓪.①/", "address_not_allowed"),
        ("http://１２７.０.０.１/", "address_not_allowed"),
        ("http://0.0.0.0/", "address_not_allowed"),
        ("http://[::]/", "address_not_allowed"),
        ("http://[::1]/", "address_not_allowed"),
        ("http://[::ffff:127.0.0.1]/", "address_not_allowed"),
        ("http://[::ffff:7f00:1]/", "address_not_allowed"),
        ("http://[64:ff9b::7f00:1]/", "address_not_allowed"),
        ("http://[2002:7f00:1::]/", "address_not_allowed"),
        ("http://100.64.0.1/", "address_not_allowed"),
        ("http://[fec0::1]/", "address_not_allowed"),
        ("http://192.88.99.1/", "address_not_allowed"),
        ("http://[5f00::1]/", "address_not_allowed"),
        ("http://169.254.169.254/latest/meta-data/", "address_not_allowed"),
        ("http://localhost/", "address_not_allowed"),
        ("http://LOCALHOST./", "address_not_allowed"),
        ("http://a.localhost/", "address_not_allowed"),
        ("http://metadata.google.internal/", "address_not_allowed"),
    ],
)
def test_what_must_not_be_fetched_is_refused_without_asking_dns(url: str, code: str, dns: DNS):
    assert refusal(url) == code
    assert dns.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://metadata.google.internal/",
        "http://metadata/",
        "http://meta.example/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
    ],
)
def test_metadata_services_stay_refused_where_private_networks_are_allowed(url: str, dns: DNS):
    dns.answers["meta.example"] = [["169.254.169.254"]]

    assert refusal(url, allow_private_networks=True, allowed_hosts={"*"}) == "address_not_allowed"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://10.0.0.1/", "http://[::1]/", "http://[fd12::1]/", "http://100.64.0.1/"]
)
def test_private_networks_can_be_allowed(resolve: Resolve, url: str):
    assert resolve(guard(allow_private_networks=True), url).url == url


def test_names_of_this_machine_can_be_allowed_with_private_networks(resolve: Resolve, dns: DNS):
    dns.answers["localhost"] = [["127.0.0.1"]]

    assert resolve(guard(allow_private_networks=True), "http://localhost/").url == "http://127.0.0.1/"


def test_an_allowed_host_does_not_make_its_address_allowed(dns: DNS):
    dns.answers["internal.example"] = [["10.0.0.1"]]

    assert refusal("http://internal.example/", allowed_hosts={"internal.example"}) == "address_not_allowed"
    assert refusal("http://10.0.0.1/", allowed_hosts={"10.0.0.1"}) == "address_not_allowed"


def test_only_allowed_hosts_are_asked_for(dns: DNS):
    rules = {"allowed_hosts": {"api.example.com", ".example.org"}}

    assert guard(**rules).resolve_url("http://api.example.com/").hostname == "api.example.com"
    assert guard(**rules).resolve_url("http://example.org/").hostname == "example.org"
    assert guard(**rules).resolve_url("http://a.example.org/").hostname == "a.example.org"
    dns.asked.clear()
    assert refusal("http://evil.example/", **rules) == "host_not_allowed"
    assert refusal("http://api.example.com.evil.example/", **rules) == "host_not_allowed"
    assert refusal(f"http://{PUBLIC}/", **rules) == "host_not_allowed"
    assert dns.asked == []


def test_allowed_ports_take_the_place_of_80_and_443(resolve: Resolve):
    other = guard(allowed_ports={443, 8443})

    assert resolve(other, "https://a.example:8443/").port == 8443
    assert resolve(other, "https://a.example/").port == 443
    assert refusal("http://a.example/", allowed_ports={443, 8443}) == "port_not_allowed"
    assert refusal("http://a.example:81/", allowed_ports={443, 8443}) == "port_not_allowed"


def test_other_schemes_can_be_allowed():
    assert guard(allowed_schemes={"ftp"}, allowed_ports={21}).resolve_url("ftp://a.example:21/").port == 21
    assert guard(allowed_schemes={"WSS"}).resolve_url("wss://a.example/").port == 443
    assert guard(allowed_schemes={"ws"}).resolve_url("ws://a.example/").port == 80
    assert refusal("ftp://a.example/", allowed_schemes={"ftp"}) == "port_not_allowed"
    assert refusal("http://a.example/", allowed_schemes={"https"}) == "scheme_not_allowed"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://a.example/", "A URL of the scheme ftp may not be fetched, only http, https."),
        ("http://u:p@a.example/", "The URL holds a user name or password. Leave it out."),
        ("http://a.example:22/", "Port 22 may not be connected to, only 80, 443."),
        ("http://127.0.0.1/", "127.0.0.1 leads to this machine itself, which may not be fetched."),
        (
            "http://169.254.1.1/",
            "169.254.1.1 leads to a link-local address, as cloud metadata services have, which may not be fetched.",
        ),
        ("http://private.example/", "private.example leads to a private network, which may not be fetched."),
        ("http://nowhere.example/", "nowhere.example is not known to DNS. Check its spelling."),
    ],
)
def test_a_refusal_says_what_is_wrong(dns: DNS, url: str, message: str):
    dns.answers |= {"private.example": [["10.1.2.3"]], "nowhere.example": [[]]}

    with pytest.raises(SSRFViolation) as refused:
        SSRFGuard().resolve_url(url)

    assert str(refused.value) == message


def test_userinfo_can_be_allowed_and_stays(resolve: Resolve):
    target = resolve(guard(allow_userinfo=True), "http://user:hunter2@a.example/b")

    assert target.url == f"http://user:hunter2@{PUBLIC}/b"
    assert target.host_header == "a.example"
    assert "hunter2" not in repr(target)
    assert repr(target) == f"SSRFResolvedURL(hostname='a.example', port=80, address=IPv4Address('{PUBLIC}'))"


def test_a_host_that_dns_does_not_know_is_refused(resolve: Resolve, dns: DNS):
    dns.answers["nowhere.example"] = [[]]

    with pytest.raises(SSRFViolation) as refused:
        resolve(SSRFGuard(), "http://nowhere.example/")
    assert refused.value.code == "unresolvable_host"


def test_a_host_that_dns_does_not_know_can_be_allowed_and_is_not_pinned(resolve: Resolve, dns: DNS):
    dns.answers["nowhere.example"] = [[]]
    url = "HTTP://Nowhere.example:80/a"

    assert resolve(guard(allow_unresolvable_hosts=True), url) == SSRFResolvedURL(
        url, url, "nowhere.example", 80, None, "nowhere.example:80"
    )


def test_names_of_this_machine_are_refused_even_if_dns_does_not_know_them(dns: DNS):
    dns.answers["localhost"] = dns.answers["metadata.google.internal"] = [[]]

    assert refusal("http://localhost/", allow_unresolvable_hosts=True) == "address_not_allowed"
    assert refusal("http://metadata.google.internal/", allow_unresolvable_hosts=True) == "address_not_allowed"


def test_a_timeout_is_no_unknown_host(monkeypatch: pytest.MonkeyPatch):
    """Else who makes their DNS slow would be let through."""

    def getaddrinfo(*args: object, **kwargs: object) -> list[object]:
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    with pytest.raises(SSRFViolation) as refused:
        asyncio.run(guard(allow_unresolvable_hosts=True).aresolve_url("http://a.example/"))
    assert refused.value.code == "lookup_timeout"


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "not a url", "", "http://u:p@[::1"])
def test_a_disabled_guard_hands_everything_back_untouched(resolve: Resolve, dns: DNS, url: str):
    assert resolve(guard(enabled=False), url) == SSRFResolvedURL(url, url, "", 0, None, "")
    assert dns.asked == []


def test_a_configuration_that_does_not_fit_is_a_mistake():
    with pytest.raises(ConfigurationError):
        guard(resolve_timeout=60)
    with pytest.raises(ConfigurationError):
        guard(allowed_hosts={"https://a.example"})
    assert SSRFGuard().config == SSRFConfig()


# ── redirects ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_redirects_are_off_by_default(redirect: Redirect, dns: DNS):
    current = SSRFGuard().resolve_url("https://a.example/")
    dns.asked.clear()

    with pytest.raises(SSRFViolation, match="Redirects are not followed") as refused:
        redirect(SSRFGuard(), current, "/b")
    assert refused.value.code == "redirect_not_allowed"
    assert dns.asked == []


def test_a_redirect_is_resolved_anew_and_counted(redirect: Redirect, dns: DNS):
    follow = guard(max_redirects=2)
    first = follow.resolve_url("http://a.example/b/c?d")
    dns.answers["a.example"] = [["9.9.9.9"]]

    second = redirect(follow, first, "e?f")
    third = redirect(follow, second, "https://g.example:443/h")

    assert second == SSRFResolvedURL(
        "http://a.example/b/e?f", "http://9.9.9.9/b/e?f", "a.example", 80, IPv4Address("9.9.9.9"), "a.example", 1
    )
    assert (third.url, third.redirects) == (f"https://{PUBLIC}:443/h", 2)
    with pytest.raises(SSRFViolation, match="More than 2 redirects") as refused:
        redirect(follow, third, "/i")
    assert refused.value.code == "redirect_not_allowed"


def test_a_redirect_to_another_host_leaves_the_userinfo_behind():
    follow = guard(max_redirects=3, allow_userinfo=True)
    current = follow.resolve_url("https://user:hunter2@a.example/")

    assert follow.redirect_target(current, "/b").url == f"https://user:hunter2@{PUBLIC}/b"
    assert follow.redirect_target(current, "//b.example/").url == f"https://{PUBLIC}/"


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://a.example/", "redirect_not_allowed"),
        ("HTTP://a.example/", "redirect_not_allowed"),
        ("ftp://a.example/", "redirect_not_allowed"),
        ("javascript:alert(1)", "redirect_not_allowed"),
        ("//127.0.0.1/", "address_not_allowed"),
        ("//localhost/", "address_not_allowed"),
        ("https://169.254.169.254/", "address_not_allowed"),
        ("https://[::ffff:127.0.0.1]/", "address_not_allowed"),
        ("//private.example/", "address_not_allowed"),
        ("//127.1/", "malformed_url"),
        ("//b.example:8080/", "port_not_allowed"),
        ("//user@b.example/", "userinfo_not_allowed"),
        ("//other.test/", "host_not_allowed"),
        ("//[::1", "malformed_url"),
        ("/\r\nX: y", "malformed_url"),
        ("/\\evil.example/", "malformed_url"),
        ("https:/\\evil.example/", "malformed_url"),
    ],
)
def test_a_redirect_is_checked_like_the_first_url(redirect: Redirect, dns: DNS, location: str, code: str):
    dns.answers["private.example"] = [["192.168.0.1"]]
    follow = guard(
        max_redirects=3, allowed_hosts={".example", "localhost", "127.0.0.1", "169.254.169.254", "::ffff:7f00:1"}
    )
    for scheme in ("https", "HTTPS"):
        current = follow.resolve_url(f"{scheme}://a.example/")

        with pytest.raises(SSRFViolation) as refused:
            redirect(follow, current, location)
        assert refused.value.code == code


def test_http_may_lead_to_http_and_to_https(redirect: Redirect):
    follow = guard(max_redirects=1)
    current = follow.resolve_url("http://a.example/")

    assert redirect(follow, current, "http://b.example/").url == f"http://{PUBLIC}/"
    assert redirect(follow, current, "https://b.example/").url == f"https://{PUBLIC}/"


def test_a_disabled_guard_follows_what_it_is_told_to_as_far_as_it_is(redirect: Redirect):
    off = guard(enabled=False, max_redirects=1)
    second = redirect(off, off.resolve_url("http://127.0.0.1/a"), "b")

    assert second == SSRFResolvedURL("http://127.0.0.1/b", "http://127.0.0.1/b", "", 0, None, "", 1)
    with pytest.raises(SSRFViolation):
        redirect(off, second, "c")
