from typing import Any

import pytest

from flasgo.plan.headers import Cache, RouteHeaders, header_options, route_headers

GET = frozenset({"GET"})


@pytest.mark.parametrize(
    ("cache", "directives"),
    [
        (Cache(), "private, max-age=0"),
        (Cache(max_age=60, must_revalidate=True), "private, max-age=60, must-revalidate"),
        (Cache(public=True, max_age=31_536_000, immutable=True), "public, max-age=31536000, immutable"),
        (
            Cache(public=True, max_age=1, s_maxage=0, stale_while_revalidate=30),
            "public, max-age=1, s-maxage=0, stale-while-revalidate=30",
        ),
    ],
)
def test_a_cache_is_a_value_of_cache_control(cache, directives):
    assert cache.directives() == directives


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"max_age": -1}, r"Cache\(max_age=-1\): give whole seconds from 0 to 31536000"),
        ({"max_age": 31_536_001}, "give whole seconds"),
        ({"max_age": 1.5}, "give whole seconds"),
        ({"max_age": True}, "give whole seconds"),
        ({"max_age": None}, "give whole seconds"),
        ({"public": True, "s_maxage": "60"}, r"s_maxage='60'"),
        ({"stale_while_revalidate": -1}, "stale_while_revalidate=-1"),
        ({"s_maxage": 60}, "add public=True"),
        ({"immutable": True}, "give a max_age"),
        ({"max_age": 1, "must_revalidate": True, "stale_while_revalidate": 1}, "keep one of them"),
    ],
)
def test_a_cache_that_makes_no_sense_is_refused(options: Any, problem):
    with pytest.raises(ValueError, match=problem):
        Cache(**options)


def test_headers_of_a_route_replace_join_and_remove():
    own = route_headers({"X-A": "2", "x-b": None, "x-new": "1"})
    assert own == RouteHeaders(((b"x-a", b"2"), (b"x-new", b"1")), frozenset({b"x-b"}))
    assert own.over([(b"x-a", b"1"), (b"x-b", b"1"), (b"x-c", b"1")]) == [
        (b"x-c", b"1"),
        (b"x-a", b"2"),
        (b"x-new", b"1"),
    ]


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ([("x-a", "1")], "must be a mapping"),
        ({"Cache-Control": "public"}, r"say it with cache=Cache\(…\)"),
        ({"expires": None}, "say it with cache="),
        ({"Content-Type": "text/css"}, "belongs to the single answer"),
        ({"set-cookie": "a=b"}, "belongs to the single answer"),
        ({"x-a": "1", "X-A": "2"}, "twice"),
        ({"x a": "1"}, "is not a header name"),
        ({"x-a": "1\r\nx-b: 2"}, "control character"),
        ({"x-a": 1}, "must be a str"),
        ({1: "1"}, "must be a str"),
    ],
)
def test_headers_that_could_not_be_sent_are_refused(headers, problem):
    with pytest.raises((TypeError, ValueError), match=problem):
        route_headers(headers)


def test_a_route_has_the_options_that_it_was_given():
    cache = Cache(max_age=1)
    assert header_options(None, None, GET) == ()
    assert header_options({}, None, GET) == ()
    assert header_options({"x-a": "1"}, cache, GET) == (RouteHeaders(((b"x-a", b"1"),), frozenset()), cache)
    with pytest.raises(TypeError, match=r"cache=60 is no Cache; write cache=Cache\(max_age=60\)"):
        header_options(None, 60, GET)
    with pytest.raises(ValueError, match="for answers to GET and HEAD"):
        header_options(None, cache, frozenset({"POST"}))
