"""URLs are taken apart in one way, or refused."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

import pytest

from flasgo.errors import FlasgoError
from flasgo.outbound.urls import MAX_HOST, MAX_URL, SSRFViolation, join_url, parse_host, parse_url


@pytest.mark.parametrize(
    ("url", "scheme", "userinfo", "host", "port", "rest"),
    [
        ("https://example.com", "https", None, "example.com", None, ""),
        ("https://example.com/", "https", None, "example.com", None, "/"),
        ("HTTPS://EXAMPLE.com./A?b=C#d", "https", None, "example.com", None, "/A?b=C#d"),
        ("http://example.com?a=//b@c:d", "http", None, "example.com", None, "?a=//b@c:d"),
        ("http://example.com#/@b", "http", None, "example.com", None, "#/@b"),
        ("http://example.com:8080/x", "http", None, "example.com", 8080, "/x"),
        ("http://example.com:00080/x", "http", None, "example.com", 80, "/x"),
        ("http://u:p@example.com:1/x", "http", "u:p", "example.com", 1, "/x"),
        ("http://@example.com/", "http", "", "example.com", None, "/"),
        ("http://ü@example.com/", "http", "%C3%BC", "example.com", None, "/"),
        ("git+ssh://example.com:65535/", "git+ssh", None, "example.com", 65535, "/"),
        ("http://a_b-c.example.com/", "http", None, "a_b-c.example.com", None, "/"),
        ("http://intranet/", "http", None, "intranet", None, "/"),
        ("http://xn--mnchen-3ya.de/", "http", None, "xn--mnchen-3ya.de", None, "/"),
        ("http://münchen.de/", "http", None, "xn--mnchen-3ya.de", None, "/"),
        ("http://MÜNCHEN.de/", "http", None, "xn--mnchen-3ya.de", None, "/"),
        ("http://faß.de/", "http", None, "xn--fa-hia.de", None, "/"),
        ("http://例え。jp/", "http", None, "xn--r8jz45g.jp", None, "/"),
        ("http://ｅｘａｍｐｌｅ.com/", "http", None, "example.com", None, "/"),
        ("http://example.com/ü?%20=%zz&ß", "http", None, "example.com", None, "/%C3%BC?%20=%zz&%C3%9F"),
        ("http://1.2.3.4:80/", "http", None, "1.2.3.4", 80, "/"),
        ("http://1.2.3.4./", "http", None, "1.2.3.4", None, "/"),
        ("http://[2606:4700:0::1111]/", "http", None, "2606:4700::1111", None, "/"),
        ("http://[2606:4700::1111]:8443/", "http", None, "2606:4700::1111", 8443, "/"),
        ("http://1.2.3.4.example/", "http", None, "1.2.3.4.example", None, "/"),
        ("http://0x7f.example/", "http", None, "0x7f.example", None, "/"),
        ("http://example.0xfg/", "http", None, "example.0xfg", None, "/"),
        (
            f"http://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}/",
            "http",
            None,
            ".".join((c * 63)[:n] for c, n in zip("abcd", (63, 63, 63, 61), strict=True)),
            None,
            "/",
        ),
    ],
)
def test_a_url_has_these_parts(url: str, scheme: str, userinfo: str | None, host: str, port: int | None, rest: str):
    parts = parse_url(url)

    assert (parts.scheme, parts.userinfo, parts.host, parts.port, parts.rest) == (scheme, userinfo, host, port, rest)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://1.2.3.4/", "1.2.3.4"),
        ("http://１.２.３.４/", "1.2.3.4"),
        ("http://[::1]/", "::1"),
        ("http://[::ffff:1.2.3.4]/", "::ffff:1.2.3.4"),
        ("http://example.com/", None),
    ],
)
def test_a_host_that_is_an_address_is_one(url: str, address: str | None):
    assert parse_url(url).address == (None if address is None else ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/path",
        "//example.com/",
        "http:",
        "http:/example.com",
        "http:example.com",
        "http:///path",
        "http://",
        "http://?q",
        "http://:80/",
        "://example.com/",
        "1http://example.com/",
        "ht tp://example.com/",
        f"{'a' * 33}://example.com/",
        "javascript:alert(1)",
        "http://exam ple.com/",
        " http://example.com/",
        "http://example.com/ ",
        "http://example.com/a b",
        "http://example.com\t/",
        "http://example.com/\r\nHost: evil",
        "ht\ntp://example.com/",
        "http://example.com/\x00",
        "http://example.com/\x7f",
        "http://example.com/\x85",
        "http://example.com/\u2028",
        "http://example.com/\u00a0",
        "http://example.com/\u3000",
        "http://example.com/\u202e",
        "http://exam\u200dple.com/",
        "http://exam\u00adple.com/",
        "http://example.com/\ud800",
        "http://example.com/\ue000",
        "http://example.com\\@evil.example/",
        "http:\\\\example.com/",
        "http://example.com/\\",
        "http://a@b@example.com/",
        "http://a[b@example.com/",
        "http://example.com:/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:99999/",
        "http://example.com:000080/",
        "http://example.com:+80/",
        "http://example.com:-1/",
        "http://example.com:8_0/",
        "http://example.com:٨٠/",
        "http://example.com:http/",
        "http://example.com:80:80/",
        "http://.example.com/",
        "http://example..com/",
        "http://example.com../",
        "http://./",
        "http://../",
        "http://%31%32%37.0.0.1/",
        "http://example%2ecom/",
        "http://example.com%00.evil/",
        "http://exa!mple.com/",
        "http://exa$mple.com/",
        "http://exa,mple.com/",
        "http://a'b.com/",
        "http://℀.com/",
        "http://☃.net/",
        "http://xn--ü.de/",
        "http://ü..de/",
        "http://ü%2f.de/",
        f"http://{'a' * 64}.com/",
        f"http://{'ü' * 63}.com/",
        f"http://{'a.' * 126}co/",
        f"http://{'ü' * (MAX_HOST + 1)}/",
        f"http://{'ﷺ' * 100}/",
        f"http://example.com/{'a' * MAX_URL}",
    ],
)
def test_what_two_parsers_might_read_differently_is_refused(url: str):
    with pytest.raises(SSRFViolation) as refused:
        parse_url(url)

    assert refused.value.code == "malformed_url"


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0x7f.0.0.0x1",
        "0X7F.0.0.1",
        "0x",
        "1.2.3.0x",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.256",
        "1.2.3.4.5",
        "1.2.3",
        "0",
        "example.1",
        "example.com.08",
        "127.1.",
        "１２７.１",
        "127。1",
        "③.1",
        "a" * 200 + ".99999999999999999999999999999999999999",
    ],
)
def test_a_host_that_ends_in_a_number_must_be_dotted_decimal(host: str):
    with pytest.raises(SSRFViolation):
        parse_url(f"http://{host}/")


@pytest.mark.parametrize(
    "host",
    ["[::1", "[]", "[1.2.3.4]", "[::g]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[::1]x", "[::1]]", "[[::1]", "[v1.a]"],
)
def test_what_is_in_brackets_must_be_an_ipv6_address_without_a_zone(host: str):
    with pytest.raises(SSRFViolation):
        parse_url(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "header", "pinned"),
    [
        ("http://example.com/a", "example.com", "http://9.9.9.9/a"),
        ("HTTP://EXAMPLE.com.:80/a", "example.com:80", "http://9.9.9.9:80/a"),
        ("https://u:p@example.com?a#b", "example.com", "https://u:p@9.9.9.9/?a#b"),
        ("http://example.com#@evil.example", "example.com", "http://9.9.9.9/#@evil.example"),
        ("http://@example.com/", "example.com", "http://@9.9.9.9/"),
        ("http://[2606:4700::1]:8080", "[2606:4700::1]:8080", "http://9.9.9.9:8080"),
    ],
)
def test_the_host_header_is_the_name_and_the_url_the_address(url: str, header: str, pinned: str):
    parts = parse_url(url)

    assert parts.host_header == header
    assert parts.at(ip_address("9.9.9.9")) == pinned


def test_what_is_too_long_is_refused_before_it_is_normalised(monkeypatch: pytest.MonkeyPatch):
    """CVE-2025-64458 (Django): normalising takes more than its share of time."""
    normalised: list[str] = []

    def encode(name: str, *, uts46: bool) -> bytes:
        normalised.append(name)
        return b"example.com"

    monkeypatch.setattr("idna.encode", encode)
    assert parse_host("é" * MAX_HOST) == ("example.com", None)
    with pytest.raises(SSRFViolation):
        parse_host("é" * (MAX_HOST + 1))
    assert normalised == ["é" * MAX_HOST]


def test_an_ipv6_address_is_put_in_brackets():
    assert parse_url("http://a.example:81/b").at(ip_address("2606:4700::1")) == "http://[2606:4700::1]:81/b"


def test_the_longest_url_and_the_longest_host_pass():
    url = "http://example.com/"
    assert parse_url(url + "a" * (8_192 - len(url))).host == "example.com"
    with pytest.raises(SSRFViolation, match="more than 8192 characters"):
        parse_url(url + "a" * (8_193 - len(url)))
    labels = ["a" * 63] * 3
    assert len(parse_host(".".join([*labels, "a" * 61]))[0]) == 253
    assert len(parse_host(".".join([*labels, "a" * 61]) + ".")[0]) == 253
    assert len(parse_host(".".join([*labels, "ａ" * 61]))[0]) == 253
    with pytest.raises(SSRFViolation):
        parse_host(".".join([*labels, "a" * 62]))


def test_only_what_is_not_ascii_is_escaped():
    visible = "".join(map(chr, range(0x21, 0x7F))).replace("\\", "")

    assert parse_url(f"http://example.com/{visible}ü").rest == f"/{visible}%C3%BC"


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        ("https://a.example/b/c?d", "/e", "https://a.example/e"),
        ("https://a.example/b/c?d", "e", "https://a.example/b/e"),
        ("https://a.example/b/c?d", "?e", "https://a.example/b/c?e"),
        ("https://a.example/b/c?d", "//e.example/", "https://e.example/"),
        ("https://a.example/b/c?d", "http://e.example/", "http://e.example/"),
        ("https://a.example/b/c?d", "../../f", "https://a.example/f"),
        ("https://u:p@a.example/b", "/e", "https://u:p@a.example/e"),
        ("https://u:p@a.example/b", "//e.example", "https://e.example"),
    ],
)
def test_a_location_is_taken_relative_to_where_it_came_from(base: str, location: str, expected: str):
    assert join_url(base, location) == expected


@pytest.mark.parametrize("location", ["/a b", "/\\evil", "\t//evil", "/\n", "//[::1", "//[x]/", "a" * (MAX_URL + 1)])
def test_a_location_that_is_no_reference_is_refused(location: str):
    with pytest.raises(SSRFViolation):
        join_url("https://a.example/", location)


def test_a_violation_is_a_value_error_with_a_code_and_survives_a_pickle():
    violation = SSRFViolation("No.", "port_not_allowed")
    copy = pickle.loads(pickle.dumps(violation))

    assert isinstance(violation, ValueError)
    assert isinstance(violation, FlasgoError)
    assert (str(copy), copy.code) == ("No.", "port_not_allowed")
    assert SSRFViolation("No.").code == "malformed_url"


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@exa mple.com/",
        "http://user:hunter2@b@example.com/",
        "http://user:hunter2@127.1/",
        "http://user:hunter2@[::1/",
        "http://user:hunter2@ü..de/",
        "http://user:hunter2@example.com:0/",
        "http://user:hunter2@" + "a" * 300,
    ],
)
def test_no_message_holds_credentials(url: str):
    with pytest.raises(SSRFViolation) as refused:
        parse_url(url)

    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "http://" + "@" * 8_000,
        "http://" + "a:" * 4_000,
        "http://" + "a." * 4_000,
        "http://" + "0x" * 4_000,
        "http://[" + ":" * 8_000 + "]",
        "http://" + "ü" * 8_000,
        "a+" * 4_000 + "://",
        "http://a/" + "?#" * 4_000,
        "http://" + "ü." * 120 + "de",
    ],
)
def test_hostile_urls_cost_little_time(url: str, costs_at_most: Callable[[float, Callable[[], object]], None]):
    def read() -> None:
        with suppress(SSRFViolation):
            parse_url(url)

    parse_url("http://ü.de/")  # loads the tables of IDNA
    costs_at_most(0.05, read)


def test_only_names_in_other_scripts_load_idna():
    code = (
        "import sys; from flasgo.outbound.urls import parse_url; parse_url('http://example.com/ü');"
        "assert 'idna' not in sys.modules; parse_url('http://ü.de/'); assert 'idna' in sys.modules"
    )
    subprocess.run((sys.executable, "-c", code), check=True, timeout=30)
