from typing import Any

import pytest

from flasgo import Settings, SettingsError, UnsafeRedirect, is_safe_redirect_target, redirect
from flasgo.redirects import MAX_LOCATION, checked_location, fault_of
from flasgo.request import Request, Terms


class App:
    def url_for(self, endpoint: str, /, **values: Any) -> str:
        raise NotImplementedError

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.state: Any = None


def visit(host="shop.example", scheme="https", app: App | None = None) -> Request:
    async def receive() -> Any:
        raise AssertionError

    scope: Any = {"type": "http", "method": "GET", "path": "/", "scheme": scheme, "headers": [(b"host", host.encode())]}
    return Request.of(scope, receive, Terms(app=app))


WITHIN = [
    "/", "/a", "/a//b", "/a/b?next=//evil.example", "/a#//evil.example", "/?q=https://evil.example", "a", "a/b", "../a",
    "?q=1", "#part", "/a:b", "./a:b", "/%2f%2fevil.example", "/%5cevil.example", "/%09/evil.example", "/.//evil.example",
    "/a b", "/ü", "/→", "/%", "/@evil.example", "/?a=b\u00a0c",
]  # fmt: skip

OUTSIDE = {
    "": "empty",
    "/" + "a" * MAX_LOCATION: "too-long",
    "/a\r\nset-cookie: a=b": "control",
    "/\t/evil.example": "control",
    "\t//evil.example": "control",
    "ht\ntps://evil.example": "control",
    "java\tscript:alert(1)": "control",
    "/a\x00": "control",
    "/a\x7f": "control",
    "/a\x9b": "control",
    "/a\u2028b": "control",
    "/\ud800": "control",
    " //evil.example": "space",
    "/a ": "space",
    "\u3000//evil.example": "space",
    "/\\evil.example": "backslash",
    "\\\\evil.example": "backslash",
    "\\/evil.example": "backslash",
    "https:\\\\evil.example": "backslash",
    "https://shop.example\\@evil.example": "backslash",
    "/a\\b": "backslash",
    "/\uff3cevil.example": "backslash",
    "//evil.example": "two-slashes",
    "///evil.example": "two-slashes",
    "//shop.example": "two-slashes",
    "/\uff0fevil.example": "two-slashes",
    "\uff0f\uff0fevil.example": "two-slashes",
    "javascript:alert(1)": "scheme",
    "JavaScript://shop.example/%0aalert(1)": "scheme",
    "data:text/html,x": "scheme",
    "ftp://shop.example/": "scheme",
    "shop.example:443/": "scheme",
    "1:2": "scheme",
    ":a": "scheme",
    "a:b": "scheme",
    "https:evil.example": "no-host",
    "https:/evil.example": "no-host",
    "https:": "no-host",
    "https://": "no-host",
    "https:///evil.example": "no-host",
    "https://?a": "no-host",
    "https://shop.example@evil.example/": "userinfo",
    "https://user:pass@shop.example/": "userinfo",
    "https://@shop.example/": "userinfo",
    "https://shop.example%40evil.example": "host",
    "https://shop.example%2f.evil.example": "host",
    "https://ѕhop.example/": "host",
    "https://shop。example/": "host",
    "https://shop.example:/": "host",
    "https://shop.example:99999/": "host",
    "https://shop..example/": "host",
    "https://shop.example;a/": "host",
    "https://[::1%25eth0]/": "host",
    "https://evil.example/": "other-host",
    "https://shop.example.evil.example/": "other-host",
    "https://evilshop.example/": "other-host",
    "https://shop.example:8443/": "other-host",
    "http://shop.example/": "downgrade",
}


@pytest.mark.parametrize("target", WITHIN)
def test_paths_queries_and_parts_are_of_this_site(target):
    assert is_safe_redirect_target(target)
    assert is_safe_redirect_target(target, visit())
    assert redirect(target).location


@pytest.mark.parametrize(("target", "fault"), OUTSIDE.items(), ids=map(ascii, OUTSIDE))
def test_everything_else_is_refused_with_its_reason(target, fault):
    assert fault_of(target, visit()) == fault
    assert not is_safe_redirect_target(target, visit())
    assert not is_safe_redirect_target(target)
    with pytest.raises(UnsafeRedirect, match="is not safe"):
        redirect(target)


@pytest.mark.parametrize(
    ("target", "host", "scheme"),
    [
        ("https://shop.example/a", "shop.example", "https"),
        ("HTTPS://SHOP.example:443?a", "shop.example", "https"),
        ("https://shop.example.#a", "shop.example:443", "https"),
        ("http://shop.example:8000/", "shop.example:8000", "http"),
        ("https://shop.example/", "shop.example:8000", "http"),
        ("https://shop.example/", "shop.example", "http"),
        ("https://[::1]:8000/", "[0:0::1]:8000", "https"),
    ],
)
def test_the_whole_url_of_the_requests_own_host_is_of_this_site(target, host, scheme):
    assert is_safe_redirect_target(target, visit(host, scheme))


@pytest.mark.parametrize("host", ["", "shop.example:x", "a b"])
def test_a_request_without_a_sound_host_has_no_site(host):
    assert not is_safe_redirect_target("https://shop.example/", visit(host))


def test_https_on_another_port_is_another_site():
    assert fault_of("https://shop.example:8443/", visit("shop.example", "http")) == "other-host"


def test_other_hosts_are_those_of_the_settings_or_of_the_caller():
    app = App(ALLOWED_REDIRECT_HOSTS=frozenset({"pay.example", ".partner.example"}))
    for target in ("https://pay.example/a", "http://pay.example:8080/", "https://www.partner.example/"):
        assert is_safe_redirect_target(target, visit(app=app))
        assert not is_safe_redirect_target(target, visit(app=app), hosts=["other.example"])
        assert not is_safe_redirect_target(target)
    assert not is_safe_redirect_target("https://partner.example/", visit(app=app))
    assert is_safe_redirect_target("https://other.example/", hosts=["other.example"])


def test_a_program_that_knows_where_it_leads_may_go_anywhere_over_http():
    assert redirect("https://evil.example/ü", allow_external=True).location == "https://evil.example/%C3%BC"
    for target in (
        "javascript:alert(1)",
        "//evil.example",
        "https://a@evil.example",
        "https://evil.example/\r\n",
        "data:x",
    ):
        with pytest.raises(UnsafeRedirect):
            redirect(target, allow_external=True)


@pytest.mark.parametrize("letter", ["a", "["])
def test_a_location_may_have_so_many_characters_and_no_more(letter):
    longest = "/" + letter * (MAX_LOCATION - 1)
    assert checked_location(longest, allow_external=False) == longest
    with pytest.raises(UnsafeRedirect):
        checked_location(longest + letter, allow_external=False)


def test_what_is_too_long_once_it_is_encoded_is_refused():
    assert redirect("/" + "a" * (MAX_LOCATION - 1)).location
    with pytest.raises(UnsafeRedirect):
        redirect("/" + "ü" * (MAX_LOCATION // 6 + 1))


def test_the_error_says_the_cure_and_nothing_of_the_target():
    for target, cure in (
        ("https://evil.example/", "only a path is known to be of this site"),
        ("javascript:alert(1)", "no http or https URL"),
    ):
        with pytest.raises(ValueError, match=cure) as caught:
            redirect(target)
        assert isinstance(caught.value, UnsafeRedirect)
        assert (caught.value.status_code, caught.value.code) == (400, "unsafe_redirect")
        assert "evil" not in str(caught.value)
        assert "alert" not in str(caught.value)


def test_every_host_is_no_setting():
    with pytest.raises(SettingsError, match=r"ALLOWED_REDIRECT_HOSTS holds '\*'; .*allow_external=True"):
        Settings.from_mapping({"ALLOWED_REDIRECT_HOSTS": ["*"]})
    assert Settings.from_mapping({"ALLOWED_REDIRECT_HOSTS": [".a.example", "b.example"]})


def test_the_status_may_stand_second():
    assert redirect("/", 303, headers={"x-a": "1"}).status_code == 303
