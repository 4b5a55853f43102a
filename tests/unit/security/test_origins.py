import pytest

from flasgo.security.origins import Origins, parse_origin, referring_origin


@pytest.mark.parametrize("entry", ["http://", "https://a b", "", "ftp://a.example", "a..b"])
def test_an_entry_that_is_no_origin_trusts_nobody(entry):
    origins = Origins([entry])
    assert (origins.exact, origins.wildcards) == (set(), [])


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        (b"https://Example.COM", ("https", "example.com", 443)),
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
