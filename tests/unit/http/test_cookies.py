"""Cookies: read as browsers send them, written as browsers keep them."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from flasgo.errors import MalformedRequest
from flasgo.http.conditional import parse_http_date
from flasgo.http.cookies import (
    DuplicateCookie,
    build_set_cookie,
    delete_cookie_header,
    find_cookie,
    parse_cookies,
)


class TestParse:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            (b"", {}),
            (b"a=1", {"a": ["1"]}),
            (b"a=1; b=2", {"a": ["1"], "b": ["2"]}),
            (b"a=1;b=2 ;\tc = 3 ", {"a": ["1"], "b": ["2"], "c": ["3"]}),
            (b"a=1; a=2; A=3", {"a": ["1", "2"], "A": ["3"]}),
            (b"a=", {"a": [""]}),
            (b"a=b=c", {"a": ["b=c"]}),
            (b";; ;a=1;", {"a": ["1"]}),
            (b'a="x\\"y"', {"a": ['"x\\"y"']}),
            (b"a=1, b=2", {"a": ["1, b=2"]}),
            (b"a=%41+", {"a": ["%41+"]}),
            (b"lonely", {"": ["lonely"]}),
            (b"=__Host-session=evil", {"": ["__Host-session=evil"]}),
            ("a=ö".encode(), {"a": ["ö"]}),
            (b"a=\xff; b=1", {"a": ["\ufffd"], "b": ["1"]}),
        ],
    )
    def test_it_reads_what_browsers_send(self, header: bytes, expected: dict[str, list[str]]):
        assert expected == parse_cookies(header)


class TestFind:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            (b"", None),
            (b"s=1", b"1"),
            (b"s=", b""),
            (b"a=1; s=2; b=3", b"2"),
            (b"a=1;s=2;b=3", b"2"),
            (b"a=1; s = 2 ;b=3", b"2"),
            (b" s=2", b"2"),
            (b"s=2 ", b"2"),
            (b"s=a=b", b"a=b"),
            (b"ss=1; s=2; a=s", b"2"),
            (b"xs=1; sx=2; a=s=3", None),
            (b"S=1", None),
            (b"s", None),
            (b"=ss=1", None),
            (b"a=1; =s; s", None),
            (b"=S=1; =a=s=1; s=2", b"2"),
            (b"a=;s=2", b"2"),
            (b"s=XaX", b"XaX"),
            (b"a=1;s= XaX ;b=3", b"XaX"),
        ],
    )
    def test_it_finds_the_whole_name_only(self, header: bytes, expected: bytes | None):
        assert expected == find_cookie(header, b"s")

    @pytest.mark.parametrize(
        "header", [b"s=1; s=2", b"s=1; s=1", b"s=1;s=2", b"s =1; s=2", b"s=1; a=2; s\t=3", b"s=;s="]
    )
    def test_a_name_sent_twice_is_no_answer_at_all(self, header: bytes):
        with pytest.raises(DuplicateCookie) as caught:
            find_cookie(header, b"s")
        assert isinstance(caught.value, MalformedRequest)  # so that nobody's forgetting it makes a 500
        assert caught.value.status_code == 400

    @pytest.mark.parametrize(
        "header", [b"=s=1", b"a=1; =s=1; s", b"s=2; =s=1", b"=s=;s=2", b" = s=1; s=2", b"s=2;\t=s=1"]
    )
    def test_one_without_a_name_that_poses_as_it_is_no_answer_either(self, header: bytes):
        """CVE-2023-23934 (Werkzeug)."""
        with pytest.raises(DuplicateCookie):
            find_cookie(header, b"s")


@pytest.mark.parametrize("pattern", [b'\\"', b';"', b'"', b";", b"s;", b"s=1;", b" s", b"; s", b"=", b" "])
def test_16_kb_of_anything_cost_less_than_5_ms(pattern: bytes, costs_at_most):
    header = (pattern * 16_384)[:16_384]
    costs_at_most(0.005, lambda: parse_cookies(header))
    costs_at_most(0.005, lambda: _find_or_duplicate(header))


def _find_or_duplicate(header: bytes):
    try:
        return find_cookie(header, b"s")
    except DuplicateCookie:
        return None


class TestSetCookie:
    def test_the_defaults_are_the_safe_ones(self):
        assert build_set_cookie("a", "1") == "a=1; Path=/; SameSite=Lax; Secure; HttpOnly"

    @pytest.mark.parametrize("same_site", ["Lax", "Strict", "None"])
    def test_each_same_site_is_written_as_it_is(self, same_site):
        assert build_set_cookie("a", "1", same_site=same_site) == f"a=1; Path=/; SameSite={same_site}; Secure; HttpOnly"

    def test_attributes_stand_in_one_order(self):
        line = build_set_cookie(
            "__Secure-a",
            "b=c",
            max_age=60,
            expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
            same_site="None",
            path="/x,y/%20",
            domain=".example.org",
            partitioned=True,
        )
        assert line == (
            "__Secure-a=b=c; Path=/x,y/%20; Domain=example.org; SameSite=None; Max-Age=60;"
            " Expires=Wed, 02 Jan 2030 03:04:05 GMT; Secure; HttpOnly; Partitioned"
        )

    def test_every_attribute_but_the_path_can_be_left_out(self):
        assert build_set_cookie("a", "", secure=False, http_only=False, same_site=None) == "a=; Path=/"

    def test_max_age_says_expires_too(self):
        before = int(time.time())
        line = build_set_cookie("a", "1", max_age=3600)
        after = int(time.time())
        assert "; Max-Age=3600; Expires=" in line
        expires = parse_http_date(line.partition("Expires=")[2].partition(";")[0])
        assert expires is not None
        assert before + 3600 <= expires <= after + 3600

    def test_max_age_zero_is_said(self):
        assert "; Max-Age=0; Expires=" in build_set_cookie("a", "", max_age=0)

    def test_a_max_age_beyond_all_calendars_is_the_last_day(self):
        assert "; Expires=Fri, 31 Dec 9999 23:59:59 GMT" in build_set_cookie("a", "1", max_age=10**400)

    def test_expires_alone_says_no_max_age(self):
        at = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
        line = build_set_cookie("a", "1", expires=at)
        assert line == "a=1; Path=/; SameSite=Lax; Expires=Wed, 02 Jan 2030 01:04:05 GMT; Secure; HttpOnly"

    def test_expires_without_a_time_zone_is_refused(self):
        with pytest.raises(ValueError, match=r"no time zone: use datetime.now\(UTC\)"):
            build_set_cookie("a", "1", expires=datetime(2030, 1, 1))

    @pytest.mark.parametrize("name", ["", "a b", "a;", "a=b", "a,b", "a\r\nb", "é", '"a"', "\u212a", "a\n"])
    def test_a_name_that_is_no_token_is_refused(self, name: str):
        with pytest.raises(ValueError, match="is not a cookie name"):
            build_set_cookie(name, "1")

    @pytest.mark.parametrize("bad", [*(chr(code) for code in range(33)), '"', ",", ";", "\\", "\x7f", "\x80", "é", "→"])
    def test_a_value_that_browsers_would_cut_or_misread_is_refused_and_not_shown(self, bad: str):
        for value in (bad, f"hunter2{bad}", f"{bad}hunter2"):
            with pytest.raises(ValueError, match=r"^cookie 'a': its value .* encode it") as caught:
                build_set_cookie("a", value)
            assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("path", ["", "x", "/a;b", "/a b", "/\r\n", "/ö", "/a; Domain=evil", "/\n"])
    def test_a_path_that_would_end_early_is_refused(self, path: str):
        with pytest.raises(ValueError, match="its path must begin with /"):
            build_set_cookie("a", "1", path=path)

    @pytest.mark.parametrize(
        "domain", ["", ".", "a..b", "a;b", "a b", "bücher.de", "a:80", "..a", "a.", "a\n", "a" * 64, "a." * 126 + "aa"]
    )
    def test_a_domain_that_is_no_host_name_is_refused(self, domain: str):
        with pytest.raises(ValueError, match="its domain must be a host name"):
            build_set_cookie("a", "1", domain=domain)

    @pytest.mark.parametrize("same_site", ["lax", "", "Lax; Domain=evil"])
    def test_an_unknown_same_site_is_refused(self, same_site):
        with pytest.raises(ValueError, match="same_site must be"):
            build_set_cookie("a", "1", same_site=same_site)

    @pytest.mark.parametrize("name", ["__Host-a", "__Secure-a", "__HOST-a", "__secure-a"])
    def test_a_prefix_demands_secure(self, name: str):
        assert build_set_cookie(name, "1").startswith(f"{name}=1;")
        with pytest.raises(ValueError, match="prefix demands secure=True"):
            build_set_cookie(name, "1", secure=False)

    @pytest.mark.parametrize("where", [{"path": "/x"}, {"domain": "example.org"}])
    @pytest.mark.parametrize("name", ["__Host-a", "__hOST-a"])
    def test_the_host_prefix_demands_the_whole_host_and_it_alone(self, name: str, where):
        with pytest.raises(ValueError, match='demands path="/" and no domain'):
            build_set_cookie(name, "1", **where)
        assert build_set_cookie("__Secure-a", "1", **where)

    @pytest.mark.parametrize("wish", [{"same_site": "None"}, {"partitioned": True}])
    def test_cross_site_cookies_demand_secure(self, wish):
        assert build_set_cookie("a", "1", **wish)
        with pytest.raises(ValueError, match="demand secure=True"):
            build_set_cookie("a", "1", secure=False, **wish)

    def test_4096_bytes_with_attributes_pass_and_one_more_does_not(self):
        room = 4096 - len(build_set_cookie("a", ""))
        assert len(build_set_cookie("a", "x" * room)) == 4096
        with pytest.raises(ValueError, match=r"is 4097 bytes .* keep the data on the server"):
            build_set_cookie("a", "x" * (room + 1))


class TestDelete:
    def test_it_expires_in_the_past(self):
        assert delete_cookie_header("a") == (
            "a=; Path=/; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly"
        )

    def test_it_says_the_attributes_with_which_the_cookie_was_set(self):
        line = delete_cookie_header(
            "a", secure=False, http_only=False, same_site=None, path="/x", domain="example.org", partitioned=False
        )
        assert line == "a=; Path=/x; Domain=example.org; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"

    def test_partitioned_cookies_are_deleted_in_their_partition(self):
        assert delete_cookie_header("a", partitioned=True).endswith("; Secure; HttpOnly; Partitioned")
