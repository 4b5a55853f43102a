import pytest

from flasgo.testing.jar import Jar
from flasgo.testing.message import compose
from flasgo.testing.target import Target

BASE = Target("http", "localhost", 80)


def make(method="GET", path="/", *, base=BASE, root_path="", defaults=(), **options):
    return compose(method, path, base=base, root_path=root_path, defaults=defaults, **options)


def lines(outgoing, jar=None):
    return outgoing.on_wire(jar or Jar()).headers


@pytest.fixture
def jar():
    jar = Jar()
    jar.store(BASE, ["a=1; Path=/", "b=2; Path=/", "nameless; Path=/"])
    return jar


def test_a_bare_request_has_a_host_and_nothing_else():
    assert lines(make()) == [(b"host", b"localhost")]


def test_a_payload_tells_its_type_and_length():
    assert lines(make("POST", json={})) == [
        (b"host", b"localhost"),
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
    ]
    assert lines(make("POST", body=b"")) == [(b"host", b"localhost"), (b"content-length", b"0")]


def test_a_streamed_body_tells_neither():
    assert lines(make("POST", body=[b"a"])) == [(b"host", b"localhost")]


def test_what_is_given_wins():
    given = {"Host": "evil", "Content-Type": "text/x", "content-length": "9"}
    assert lines(make("POST", json={}, headers=given)) == [
        (b"host", b"evil"),
        (b"content-type", b"text/x"),
        (b"content-length", b"9"),
    ]


def test_none_leaves_a_header_out(jar):
    assert lines(make("POST", json={}, headers={"host": None, "content-length": None, "cookie": None}), jar) == [
        (b"content-type", b"application/json")
    ]


def test_headers_may_repeat_and_a_default_yields_to_its_name():
    outgoing = make(headers=[("X", "1"), ("x", b"\xff"), ("gone", None)], defaults={"x": "0", "y": "ü", "gone": "1"})
    assert lines(outgoing)[1:] == [(b"y", b"\xfc"), (b"x", b"1"), (b"x", b"\xff")]


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", b"a\x00"])
def test_a_header_value_that_no_server_passes_on_is_refused(value):
    with pytest.raises(ValueError, match="header 'x' holds CR, LF or NUL"):
        make(headers={"x": value})


def test_a_header_that_is_not_latin_1_or_has_no_name_is_refused():
    with pytest.raises(ValueError, match="sent as latin-1"):
        make(headers={"x": "→"})
    with pytest.raises(ValueError, match="is not a header name"):
        make(headers={"a b": "1"})


def test_the_method_is_upper_cased_and_must_be_a_token():
    assert make("get").method == "GET"
    with pytest.raises(ValueError, match="is not a request method"):
        make("GE T")


def test_params_are_put_behind_the_query():
    assert make(path="/x?a=1", params={"b": [2, 3]}).target.query == "a=1&b=2&b=3"
    assert make(path="/x", params=[("ü", " ")]).target.query == "%C3%BC=+"
    assert make(path="/x?a", params={}).target.query == "a"


def test_the_cookies_of_the_jar_are_one_header(jar):
    assert lines(make(), jar)[1:] == [(b"cookie", b"a=1; b=2; nameless")]


def test_cookies_of_the_request_override_those_of_the_jar(jar):
    assert lines(make(cookies={"b": "x", "c": "y"}), jar)[1:] == [(b"cookie", b"a=1; nameless; b=x; c=y")]


def test_a_cookie_header_overrides_both_and_is_sent_as_it_stands(jar):
    outgoing = make(cookies={"b": "x", "c": "y"}, headers={"Cookie": "c=3;a=4;  a=5; ;"})
    assert lines(outgoing, jar)[1:] == [(b"cookie", b"nameless; b=x; c=3;a=4;  a=5; ;")]


def test_several_cookie_headers_stay_several(jar):
    outgoing = make(headers=[("cookie", "a=7"), ("cookie", "b=8")])
    assert lines(outgoing, jar)[1:] == [(b"cookie", b"nameless; a=7"), (b"cookie", b"b=8")]
    assert lines(outgoing)[1:] == [(b"cookie", b"a=7"), (b"cookie", b"b=8")]


def test_an_empty_cookie_header_adds_nothing(jar):
    assert lines(make(headers={"cookie": ""}))[1:] == []
    assert lines(make(headers={"cookie": ""}), jar)[1:] == [(b"cookie", b"a=1; b=2; nameless")]


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        *[(status, "GET", "GET") for status in (301, 302, 303, 307, 308)],
        *[(status, "HEAD", "HEAD") for status in (301, 302, 303, 307, 308)],
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (301, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
        (303, "PUT", "GET"),
    ],
)
def test_a_redirect_changes_the_method_as_browsers_do(status, method, expected):
    following = make(method, body=b"x").redirected(status, "/y")
    assert following.method == expected
    assert following.target.raw_path == "/y"


def test_a_method_that_changes_loses_body_and_content_headers():
    sent = make(
        "POST",
        json={},
        headers={"content-encoding": "x", "content-language": "de", "transfer-encoding": "chunked", "x": "1"},
    )
    assert lines(sent.redirected(303, "/y")) == [(b"host", b"localhost"), (b"x", b"1")]


def test_a_method_that_stays_keeps_body_and_headers():
    sent = make("POST", json={}, headers={"content-language": "de"}, cookies={"c": "1"})
    assert sorted(lines(sent.redirected(307, "/y"))) == sorted(lines(sent))


def test_a_streamed_body_cannot_be_repeated():
    sent = make("POST", body=iter([b"x"]))
    assert sent.redirected(303, "/y").payload is None
    with pytest.raises(RuntimeError, match="307 asks for the same body again"):
        sent.redirected(307, "/y")


def test_the_same_origin_is_told_what_was_given():
    given = {"host": "alias", "authorization": "Bearer x", "cookie": "s=1"}
    following = make(headers=given, cookies={"c": "1"}).redirected(302, "http://localhost/y")
    assert dict(lines(following)) == {b"host": b"alias", b"authorization": b"Bearer x", b"cookie": b"c=1; s=1"}


@pytest.mark.parametrize(
    ("location", "host"),
    [("//other/y", b"other"), ("https://localhost/y", b"localhost"), ("http://localhost:8000/y", b"localhost:8000")],
)
def test_another_origin_is_told_no_secret(location, host):
    given = {"host": "alias", "Authorization": "Bearer x", "proxy-authorization": "y", "cookie": "s=1", "x": "1"}
    following = make(headers=given, cookies={"c": "1"}).redirected(302, location)
    assert lines(following) == [(b"host", host), (b"x", b"1")]


def test_a_redirect_that_no_client_can_follow_is_a_runtime_error():
    with pytest.raises(RuntimeError, match=r"GET http://localhost/ was redirected to 'mailto:a@b': .* is not an http"):
        make().redirected(302, "mailto:a@b")
