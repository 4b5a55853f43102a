import time
from datetime import UTC, datetime

import pytest

from flasgo.testing.jar import MAX_LIFETIME_SECONDS, Cookie, Jar, parse_date, parse_set_cookie
from flasgo.testing.target import parse_url

NOW = 1_800_000_000.0
HERE = "http://example.com/shop/cart"


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def jar(clock):
    return Jar(clock)


def parse(header, url=HERE):
    return parse_set_cookie(header, parse_url(url), NOW)


def sent(jar, url):
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar.sent_to(parse_url(url)))


def test_a_plain_cookie_belongs_to_its_host_and_directory_for_ever():
    assert parse("a=b") == Cookie("a", "b", "example.com", "/shop", host_only=True, secure=False, expires=None)


@pytest.mark.parametrize(
    ("header", "pair"),
    [
        ("a=b=c; Path=/", ("a", "b=c")),
        (" a\t= b c ;x", ("a", "b c")),
        ('a="q;x"', ("a", '"q')),
        ("a=", ("a", "")),
        ("novalue", ("", "novalue")),
        ("=v", ("", "v")),
        ("é=ü", ("é", "ü")),
    ],
)
def test_name_and_value_are_split_as_rfc_6265_says(header, pair):
    cookie = parse(header)
    assert (cookie.name, cookie.value) == pair


@pytest.mark.parametrize("header", ["", "=", ";Path=/", "a=\x00", "a=b; Path=/\r\n", "a\x7f=b", "a=" + "b" * 4096])
def test_what_a_browser_ignores_is_ignored(header):
    assert parse(header) is None


def test_a_cookie_of_4096_bytes_is_kept():
    assert parse("a=" + "b" * 4095) is not None


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://h/", "/"), ("http://h/a", "/"), ("http://h/a/", "/a"), ("http://h/a/b?c=/d/", "/a"), ("http://h", "/")],
)
def test_the_default_path_is_the_directory_of_the_request(url, expected):
    assert parse("a=b", url).path == expected
    assert parse("a=b; Path=relative", url).path == expected


def test_the_last_attribute_of_a_name_counts_in_any_case_and_not_one_that_is_too_long():
    assert parse("a=b; path=/x; PATH = /y ;").path == "/y"
    assert parse("a=b; path=/x; path=/" + "y" * 1024).path == "/x"


@pytest.mark.parametrize(
    ("path", "requested", "matches"),
    [
        ("/a", "/a", True),
        ("/a", "/a/b", True),
        ("/a/", "/a/b", True),
        ("/a", "/ab", False),
        ("/a/", "/a", False),
        ("/", "/x", True),
    ],
)
def test_a_cookie_goes_to_its_path_and_below(jar, path, requested, matches):
    jar.store(parse_url(HERE), [f"c=1; Path={path}"])
    assert sent(jar, f"http://example.com{requested}") == ("c=1" if matches else "")


@pytest.mark.parametrize(
    ("url", "domain", "goes_to", "not_to"),
    [
        ("http://example.com/", "", ["example.com"], ["www.example.com", "notexample.com"]),
        ("http://example.com/", "example.com", ["example.com", "www.example.com"], ["notexample.com", "com"]),
        ("http://www.example.com/", ".Example.COM", ["example.com", "a.b.example.com"], ["example.org"]),
        ("http://localhost/", "localhost", ["localhost"], ["sub.localhost"]),
        ("http://127.0.0.1/", "127.0.0.1", ["127.0.0.1"], ["x.127.0.0.1"]),
        ("http://[::1]/", "::1", ["[::1]"], ["localhost"]),
    ],
)
def test_domain_widens_a_cookie_to_sub_domains_and_no_further(jar, url, domain, goes_to, not_to):
    jar.store(parse_url(url), [f"c=1; Path=/; Domain={domain}"])
    assert [sent(jar, f"http://{host}/") for host in goes_to] == ["c=1"] * len(goes_to)
    assert [sent(jar, f"http://{host}/") for host in not_to] == [""] * len(not_to)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("http://example.com/", "www.example.com"),
        ("http://example.com/", "evil.com"),
        ("http://example.com/", "com"),
        ("http://example.com/", "ample.com"),
        ("http://sub.localhost/", "localhost"),
        ("http://127.0.0.1/", "0.0.1"),
    ],
)
def test_a_domain_that_is_not_of_the_host_or_is_a_public_suffix_is_refused(url, domain):
    assert parse(f"c=1; Domain={domain}", url) is None


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://example.com/", True),
        ("http://example.com/", False),
        ("http://testserver/", False),
        ("http://localhost:8000/", True),
        ("http://app.localhost/", True),
        ("http://notlocalhost/", False),
        ("http://127.0.0.1/", True),
        ("http://127.8.9.10/", True),
        ("http://10.0.0.1/", False),
        ("http://[::1]/", True),
        ("http://[fe80::1]/", False),
    ],
)
def test_secure_needs_https_or_this_very_machine(jar, url, trusted):
    jar.store(parse_url(url), ["c=1; Secure"])
    assert sent(jar, url) == ("c=1" if trusted else "")


def test_a_secure_cookie_set_over_https_is_not_sent_over_http(jar):
    jar.store(parse_url("https://example.com/"), ["c=1; Secure", "d=2"])
    assert sent(jar, "http://example.com/") == "d=2"
    assert sent(jar, "https://example.com/") == "c=1; d=2"


def test_http_cannot_lay_a_cookie_over_a_secure_one(jar):
    jar.store(parse_url("https://www.example.com/"), ["c=1; Secure; Path=/a; Domain=example.com"])
    jar.store(parse_url("http://example.com/a/b"), ["c=stolen", "other=2", "c=elsewhere; Path=/"])
    assert sent(jar, "http://example.com/a/b") == "other=2; c=elsewhere"
    assert sent(jar, "https://example.com/a/c") == "c=1; other=2; c=elsewhere"


@pytest.mark.parametrize(
    ("header", "url", "kept"),
    [
        ("__Host-s=1; Secure; Path=/", "https://example.com/", True),
        ("__Host-s=1; Secure; Path=/", "http://localhost/", True),
        ("__Host-s=1; Secure; Path=/", "http://example.com/", False),
        ("__Host-s=1; Path=/", "https://example.com/", False),
        ("__Host-s=1; Secure", "https://example.com/", False),
        ("__Host-s=1; Secure; Path=/x", "https://example.com/", False),
        ("__host-s=1; Secure; Path=/; Domain=example.com", "https://example.com/", False),
        ("__Secure-s=1; Secure", "https://example.com/", True),
        ("__SECURE-s=1", "https://example.com/", False),
        ("=__Host-s=1; Secure; Path=/", "https://example.com/", False),
        ("__Secure-s; Secure", "https://example.com/", False),
        ("s=1; SameSite=None", "https://example.com/", False),
        ("s=1; SameSite=None; Secure", "https://example.com/", True),
    ],
)
def test_a_cookie_that_breaks_the_rule_of_its_prefix_is_dropped(header, url, kept):
    assert (parse(header, url) is not None) is kept


@pytest.mark.parametrize(
    ("attributes", "expires"),
    [
        ("", None),
        ("Max-Age=60", NOW + 60),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW + 60),
        ("Max-Age=0", NOW),
        ("Max-Age=-1", NOW),
        ("Max-Age=-" + "9" * 400, NOW),
        ("Max-Age=" + "9" * 400, NOW + MAX_LIFETIME_SECONDS),
        ("Max-Age=abc", None),
        ("Max-Age=1.5; Expires=Thu, 01 Jan 1970 00:00:01 GMT", 1.0),
        ("Expires=Fri, 31 Dec 9999 23:59:59 GMT", NOW + MAX_LIFETIME_SECONDS),
        ("Expires=never", None),
    ],
)
def test_max_age_outweighs_expires_and_400_days_are_the_limit(attributes, expires):
    assert parse(f"a=b; {attributes}").expires == expires


def test_a_cookie_ends_with_its_time(jar, clock):
    jar.store(parse_url(HERE), ["a=1; Max-Age=60", "b=2"])
    clock.now += 59.9
    assert sent(jar, HERE) == "a=1; b=2"
    clock.now += 0.1
    assert sent(jar, HERE) == "b=2"


@pytest.mark.parametrize("how", ["Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_expired_cookie_deletes_the_one_it_names(jar, how):
    jar.store(parse_url(HERE), ["a=1; Path=/", "a=2", f"a=; Path=/; {how}", f"unknown=; {how}"])
    assert sent(jar, HERE) == "a=2"


def test_an_empty_value_is_a_value(jar):
    jar.store(parse_url(HERE), ["a=1", "a="])
    assert sent(jar, HERE) == "a="


def test_longer_paths_come_first_then_older_cookies_and_a_new_value_keeps_the_place(jar):
    jar.store(parse_url(HERE), ["a=1; Path=/", "b=2; Path=/", "c=3; Path=/shop/cart", "a=4; Path=/"])
    assert sent(jar, HERE) == "c=3; a=4; b=2"


def test_clear_empties_the_jar_and_cookies_lists_it(jar):
    jar.store(parse_url(HERE), ["a=1"])
    assert [cookie.name for cookie in jar.cookies()] == ["a"]
    jar.clear()
    assert jar.cookies() == []


def test_the_default_clock_is_the_time_of_day():
    jar = Jar()
    jar.put(Cookie("old", "", "h", expires=time.time() - 1))
    jar.put(Cookie("new", "", "h", expires=time.time() + 100))
    assert [cookie.name for cookie in jar.cookies()] == ["new"]


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "6 november 1994 8:49:37",
        "08:49:37xyz 6th Nov 1994AD",
        "Sun, 06-Nov-1994 08:49:37 UTC ",
    ],
)
def test_dates_are_read_as_liberally_as_rfc_6265_says(text):
    assert parse_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("year", "full"),
    [("69", 2069), ("00", 2000), ("70", 1970), ("99", 1999), ("101", None), ("1600", None), ("1601", 1601)],
)
def test_two_digit_years_are_of_1970_to_2069(year, full):
    expected = None if full is None else datetime(full, 1, 2, tzinfo=UTC).timestamp()
    assert parse_date(f"2 Jan {year} 00:00:00") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "06 Nov 1994",
        "Nov 1994 08:49:37",
        "06 1994 08:49:37",
        "06 Nov 08:49:37",
        "31 Feb 1994 00:00:00",
        "6 Nov 1994 24:00:00",
        "6 Nov 1994 00:00:60",
        "6 Nov 19945 00:00:00",
        "123 Nov 94x 1:2",
    ],
)
def test_what_is_no_date_is_none(text):
    assert parse_date(text) is None
