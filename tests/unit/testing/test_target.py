import pytest

from flasgo.testing.target import Target, parse_target, parse_url

BASE = Target("http", "localhost", 80)


def to(path, scheme=None, root_path=""):
    return parse_target(path, base=BASE, scheme=scheme, root_path=root_path)


@pytest.mark.parametrize(
    ("path", "raw_path", "query"),
    [
        ("/", "/", ""),
        ("", "/", ""),
        ("books", "/books", ""),
        ("?a=1", "/", "a=1"),
        ("/x?a=1&b=2", "/x", "a=1&b=2"),
        ("/x?a=1?b", "/x", "a=1?b"),
        ("/x#top", "/x", ""),
        ("/x?a=1#top", "/x", "a=1"),
        ("//admin", "//admin", ""),
        ("/a/../b/./c", "/a/../b/./c", ""),
        ("/a%2Fb%zz", "/a%2Fb%zz", ""),
        ("/é →", "/%C3%A9%20%E2%86%92", ""),
        ("/a\r\nb\x00", "/a%0D%0Ab%00", ""),
        ("/x?q=ü b", "/x", "q=%C3%BC%20b"),
        ('/it\'s;"fine"<a>|\\^`{}', '/it\'s;"fine"<a>|\\^`{}', ""),
        ("/to/http://else", "/to/http://else", ""),
    ],
)
def test_a_path_is_sent_as_written_but_for_what_no_request_line_can_hold(path, raw_path, query):
    assert to(path) == Target("http", "localhost", 80, raw_path, query)


def test_the_path_is_decoded_once_as_utf_8_with_replacement():
    assert to("/caf%C3%A9%252F%FF").path == "/café%2F\ufffd"


@pytest.mark.parametrize(
    ("url", "expected", "authority"),
    [
        ("http://localhost", Target("http", "localhost", 80), "localhost"),
        ("HTTPS://Shop.Example/A?b", Target("https", "shop.example", 443, "/A", "b"), "shop.example"),
        ("http://localhost:80/", Target("http", "localhost", 80), "localhost"),
        ("https://localhost:80/", Target("https", "localhost", 80), "localhost:80"),
        ("http://[::1]:8000/x", Target("http", "::1", 8000, "/x"), "[::1]:8000"),
        ("http://[::1]", Target("http", "::1", 80), "[::1]"),
        ("http://bücher.example?q", Target("http", "xn--bcher-kva.example", 80, "/", "q"), "xn--bcher-kva.example"),
        ("http://a_b.example#f", Target("http", "a_b.example", 80), "a_b.example"),
    ],
)
def test_a_url_gives_scheme_host_and_port(url, expected, authority):
    assert parse_url(url) == expected
    assert expected.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/",
        "http://",
        "http:///x",
        "/x",
        "http://a b/",
        "http://u:p@h/",
        "http://h:x/",
        "http://[::1/",
        "http://[zz]/",
        "http://h\\x",
    ],
)
def test_what_is_no_url_with_a_host_is_refused(url):
    with pytest.raises(ValueError, match="is not an http:// or https:// URL"):
        parse_url(url)


def test_a_host_that_idna_refuses_is_a_value_error():
    with pytest.raises(ValueError):
        parse_url("http://ü..example/")


def test_a_url_in_place_of_a_path_brings_its_own_scheme_host_and_port():
    assert to("https://shop.example:8443/x?y") == Target("https", "shop.example", 8443, "/x", "y")


def test_scheme_overrides_and_moves_an_implied_port_only():
    assert to("/x", scheme="https") == Target("https", "localhost", 443, "/x")
    assert to("http://h:8000/", scheme="https") == Target("https", "h", 8000)
    assert to("/x", scheme="http") == Target("http", "localhost", 80, "/x")


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match="use 'http' or 'https'"):
        to("/", scheme="ws")


def test_root_path_stands_before_the_path_once():
    assert to("/x?q", root_path="/api é").raw_path == "/api%20%C3%A9/x"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/y", "http://localhost/y"),
        ("y?z=1", "http://localhost/a/y?z=1"),
        ("../y", "http://localhost/y"),
        ("../../../y", "http://localhost/y"),
        ("?q=2", "http://localhost/a/b?q=2"),
        ("", "http://localhost/a/b?q=1"),
        ("#frag", "http://localhost/a/b?q=1"),
        ("//evil.example/x", "http://evil.example/x"),
        ("https://localhost/x", "https://localhost/x"),
        ("http://localhost:8000", "http://localhost:8000/"),
        ("/caf\xc3\xa9", "http://localhost/caf%C3%A9"),
        ("/a b", "http://localhost/a%20b"),
    ],
)
def test_a_location_is_resolved_as_a_browser_does(location, expected):
    assert str(to("/a/b?q=1").join(location)) == expected


def test_a_relative_location_from_a_top_level_path_stays_on_top():
    assert to("/a").join("../x").raw_path == "/x"


@pytest.mark.parametrize("location", ["mailto:a@b", "javascript:alert(1)", "ftp://h/"])
def test_a_location_that_is_no_http_url_is_refused(location):
    with pytest.raises(ValueError):
        to("/").join(location)


def test_an_origin_is_scheme_host_and_port():
    assert to("/x").same_origin(to("/y?z"))
    assert not to("/x").same_origin(to("/x", scheme="https"))
    assert not to("/x").same_origin(to("http://localhost:8000/x"))
    assert not to("/x").same_origin(to("http://sub.localhost/x"))
