import pytest

from flasgo.request import Request
from flasgo.security.origins import Origins, own_origin, parse_origin, referring_origin


@pytest.mark.parametrize("entry", ["http://", "https://a b", "", "ftp://a.example", "a..b"])
def test_an_entry_that_is_no_origin_trusts_nobody(entry):
    origins = Origins([entry])
    assert (origins.exact, origins.wildcards) == (set(), [])


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        (b"https://Example.COM", ("https", "example.com", 443)),
        (b"HTTPS://example.com", ("https", "example.com", 443)),
        (b"http://[0:0::1]:8080", ("http", "::1", 8080)),
        (b"null", None),
        (b"http:/a", None),
        (b"file:///etc/passwd", None),
        (b"http://a.example/", None),
        (b"http://" + b".".join([b"a" * 60] * 4), ("http", ".".join(["a" * 60] * 4), 80)),
        (b"http://" + b"a" * 2_042, None),
    ],
)
def test_an_origin_is_scheme_host_and_port(value, origin):
    assert parse_origin(value) == origin


@pytest.mark.parametrize("rest", [b"", b"/", b"/a?b#c", b"?b/c", b"#b", b"/http://evil.example"])
def test_the_origin_of_a_referrer_ends_where_its_path_begins(rest):
    assert referring_origin(b"https://a.example:8443" + rest) == ("https", "a.example", 8443)


def test_without_a_referrer_there_is_none():
    assert referring_origin(None) is None
    assert referring_origin(b"https://a.example@evil.example/") is None


@pytest.mark.parametrize(
    ("entry", "trusted", "others"),
    [
        ("https://*.Example.COM", ["https://a.example.com", "https://a.b.example.com:443"], ["http://a.example.com", "https://a.example.com:444", "https://example.com"]),
        (" HTTPS://*.example.com:8443 ", ["https://a.example.com:8443"], ["https://a.example.com", "http://a.example.com:8443"]),
        (".example.com", ["https://a.example.com", "http://a.example.com", "http://a.example.com:81"], ["http://aexample.com", "http://example.com"]),
        ("*.example.com:81", ["https://a.example.com:81", "http://a.example.com:81"], ["http://a.example.com", "https://a.example.com"]),
        ("Example.com", ["https://example.com", "http://example.com:80"], ["http://example.com:443", "https://example.com:80", "http://a.example.com"]),
        ("example.com:81", ["https://example.com:81", "http://example.com:81"], ["http://example.com"]),
        ("http://example.com", ["http://example.com"], ["https://example.com", "http://example.com:81"]),
        ("http://中.example", [], ["http://?.example", "http://xn--fiq.example"]),
    ],
)  # fmt: skip
def test_an_entry_trusts_what_it_says_and_nothing_else(entry, trusted, others):
    origins = Origins([entry])

    def trusts(text):
        origin = parse_origin(text.encode())
        return origin is not None and origins.trusts(origin)

    assert [text for text in trusted if not trusts(text)] == []
    assert [text for text in others if trusts(text)] == []


@pytest.mark.parametrize(
    ("scheme", "headers", "origin"),
    [
        ("https", [(b"host", b"A.example")], ("https", "a.example", 443)),
        ("http", [], None),
        ("\u0127ttp", [(b"host", b"a.example")], None),
    ],
)
def test_a_requests_own_origin_is_that_of_its_scheme_and_host(scheme, headers, origin):
    async def receive():
        raise AssertionError

    assert own_origin(Request.of({"type": "http", "scheme": scheme, "headers": headers}, receive)) == origin


def test_only_marks_end_the_host_of_a_referrer():
    assert referring_origin(b"https://EXAMPLE.com/EXIT") == ("https", "example.com", 443)
    assert referring_origin(b"https:///a") is None
    assert referring_origin(b"http") is None


# Of the mutants of origins.py these live, and may: a Wildcard that is not frozen (nobody writes to one), the handler "replace" of a codec
# that meets no character it could not encode, and `>` for `>=` where a host of no length is refused anyway.
