"""Header fields: what may be written, and how a raw list reads."""

from typing import Any

import pytest

from flasgo.http.headers import Headers, MutableHeaders, RawHeaders, add_vary, field_name, header_field


class TestHeaderField:
    def test_it_is_a_line_of_a_raw_list(self):
        assert header_field("X-Frame-Options", "DENY") == (b"x-frame-options", b"DENY")

    @pytest.mark.parametrize("value", ["", "a", "a b", "a\tb", "caf\xe9", "\xa0", "a\xad", "\xff"])
    def test_text_of_latin_1_passes(self, value: str):
        assert (b"x-a", value.encode("latin-1")) == header_field("x-a", value)

    @pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "a\0", "é", "\u212a", "a" * 99 + "\n", "(x)"])
    def test_a_name_that_is_no_token_is_refused(self, name: str):
        with pytest.raises(ValueError, match="is not a header name") as caught:
            header_field(name, "v")
        assert len(str(caught.value)) < 200

    @pytest.mark.parametrize("code", [*range(9), *range(10, 32), *range(127, 160)])
    @pytest.mark.parametrize("place", ["{}", "{}secret", "secret{}", "sec{}ret"])
    def test_no_control_but_tab_is_written(self, code: int, place: str):
        with pytest.raises(ValueError, match=r"^header 'X-A': its value holds a control") as caught:
            header_field("X-A", place.format(chr(code)))
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("value", [" ", "\t", " secret", "secret ", "\tsecret", "secret\t"])
    def test_a_value_does_not_begin_or_end_with_a_space(self, value: str):
        with pytest.raises(ValueError, match=r"^header 'X-A': its value begins or ends") as caught:
            header_field("X-A", value)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("value", ["secret→", "secret\u2028", "\u2003secret", "\ud800"])
    def test_what_latin_1_cannot_say_is_refused(self, value: str):
        with pytest.raises(
            ValueError, match=r"^header 'X-A': its value holds characters that are not latin-1"
        ) as caught:
            header_field("X-A", value)
        assert "secret" not in str(caught.value)
        assert not isinstance(caught.value, UnicodeError)
        assert caught.value.__suppress_context__  # the codec's own words hold the value

    def test_a_value_that_is_not_text_is_a_type_error_that_names_the_header(self):
        count: Any = 3
        with pytest.raises(TypeError, match="header 'X-Count': its value must be a str, not int"):
            header_field("X-Count", count)

    def test_a_name_that_is_not_text_is_a_type_error(self):
        name: Any = b"x-a"
        with pytest.raises(TypeError, match="a header name must be a str, not bytes"):
            header_field(name, "v")

    def test_names_are_remembered_within_bounds(self):
        assert field_name.cache_info().maxsize == 512


class TestHeaders:
    def test_names_are_found_in_any_case(self):
        headers = Headers([(b"content-type", b"text/html")])
        assert "text/html" == headers["Content-Type"] == headers["CONTENT-TYPE"] == headers.get("content-type")
        assert "Content-TYPE" in headers

    def test_a_header_that_is_absent(self):
        headers = Headers([(b"a", b"1")])
        with pytest.raises(KeyError, match="X-B"):
            headers["X-B"]
        assert headers.get("X-B") is None
        assert headers.get("X-B", "z") == "z"
        assert headers.getlist("X-B") == []
        assert "X-B" not in headers
        assert "→" not in headers

    def test_a_key_that_is_no_text_is_absent(self):
        headers = Headers([(b"a", b"1")])
        assert 3 not in headers
        assert headers.get(3) is None

    def test_an_empty_value_is_there(self):
        headers = Headers([(b"a", b"")])
        assert "a" in headers
        assert "" == headers["a"] == headers.get("a", "z")

    def test_lines_of_one_name_are_joined_by_comma(self):
        headers = Headers([(b"accept", b"a"), (b"x", b"1"), (b"accept", b"b")])
        assert "a, b" == headers["accept"] == headers.get("Accept")
        assert headers.getlist("ACCEPT") == ["a", "b"]

    def test_lines_of_cookie_are_joined_by_semicolon(self):
        assert Headers([(b"cookie", b"a=1"), (b"cookie", b"b=2")])["Cookie"] == "a=1; b=2"

    def test_set_cookie_is_never_joined(self):
        headers = Headers([(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])
        assert headers["Set-Cookie"] == "a=1"
        assert list(headers.items()) == [("set-cookie", "a=1")]
        assert headers.getlist("set-cookie") == ["a=1", "b=2"]

    def test_names_with_an_underscore_are_dropped(self):
        headers = Headers([(b"x_forwarded_for", b"1.2.3.4"), (b"x-a", b"1")])
        assert "x_forwarded_for" not in headers
        assert headers.get("X_Forwarded_For") is None
        assert headers.getlist("x_forwarded_for") == []
        assert list(headers) == ["x-a"]
        assert headers == {"x-a": "1"}

    def test_iteration_gives_each_name_once_in_order(self):
        headers = Headers([(b"b", b"1"), (b"a", b"2"), (b"b", b"3")])
        assert ["b", "a"] == list(headers) == list(headers.keys())
        assert list(headers.items()) == [("b", "1, 3"), ("a", "2")]
        assert list(headers.values()) == ["1, 3", "2"]
        assert len(headers) == 2

    def test_raw_is_the_very_list_that_was_given(self):
        raw: RawHeaders = [(b"a", b"1")]
        headers = Headers(raw)
        raw.append((b"b", b"2"))
        assert raw is headers.raw
        assert headers["b"] == "2"

    def test_bytes_are_read_as_latin_1(self):
        assert Headers([(b"a", b"\xff\x80")])["a"] == "\xff\x80"

    def test_equality_is_by_names_and_lines(self):
        headers = Headers([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")])
        assert headers == Headers([(b"b", b"2"), (b"a", b"1"), (b"a", b"3")])
        assert headers != Headers([(b"b", b"2"), (b"a", b"3"), (b"a", b"1")])
        assert headers == {"A": "1, 3", "B": "2"}
        assert headers != {"a": "1"}
        assert headers != {3: "1"}
        assert headers != [("a", "1")]

    def test_it_cannot_be_hashed(self):
        with pytest.raises(TypeError):
            hash(Headers([]))

    def test_it_cannot_be_written(self):
        headers: Any = Headers([])
        with pytest.raises(TypeError):
            headers["a"] = "1"

    @pytest.mark.parametrize(
        "name", ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-csrf-token", "x-api-key", "x-xsrf"]
    )
    def test_repr_never_shows_credentials(self, name: str):
        headers = Headers([(name.encode(), b"hunter2"), (b"host", b"localhost")])
        assert f"Headers([('{name}', '[redacted]'), ('host', 'localhost')])" == repr(headers)

    def test_time_is_linear_in_the_number_of_lines(self, costs_at_most):
        lines = [(b"x%d" % number, b"1") for number in range(5_000)] + [(b"x", b"1")] * 5_000

        def use() -> None:
            headers = Headers(lines)
            assert 5_001 == len(list(headers.items())) == len(list(headers.values()))
            assert len(headers["x"]) == 14_998
            assert headers == Headers(list(headers.raw))

        costs_at_most(1, use)


class TestMutableHeaders:
    def test_setting_replaces_all_lines_at_the_place_of_the_first(self):
        raw: RawHeaders = [(b"a", b"1"), (b"b", b"2"), (b"c", b"3"), (b"b", b"4")]
        MutableHeaders(raw)["B"] = "5"
        assert raw == [(b"a", b"1"), (b"b", b"5"), (b"c", b"3")]

    def test_setting_a_new_name_appends(self):
        raw: RawHeaders = [(b"a", b"1")]
        MutableHeaders(raw)["B"] = "2"
        assert raw == [(b"a", b"1"), (b"b", b"2")]

    def test_add_keeps_lines_of_the_same_name(self):
        headers = MutableHeaders([])
        headers.add("Set-Cookie", "a=1")
        headers.add("Set-Cookie", "b=2")
        assert headers.raw == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        assert headers["set-cookie"] == "a=1"

    def test_deleting_removes_all_lines(self):
        headers = MutableHeaders([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")])
        del headers["A"]
        assert headers.raw == [(b"b", b"2")]
        with pytest.raises(KeyError, match="A"):
            del headers["A"]

    def test_it_is_a_full_mapping(self):
        raw: RawHeaders = []
        headers = MutableHeaders(raw)
        headers.update({"A": "1"}, b="2")
        assert headers.setdefault("a", "9") == "1"
        assert headers.setdefault("C", "3") == "3"
        assert headers.pop("B") == "2"
        assert headers.pop("B", None) is None
        assert headers.popitem() == ("a", "1")
        assert raw == [(b"c", b"3")]
        headers.clear()
        assert raw == []

    @pytest.mark.parametrize("write", [MutableHeaders.__setitem__, MutableHeaders.add, MutableHeaders.setdefault])
    def test_nothing_malformed_is_written(self, write):
        headers = MutableHeaders([])
        with pytest.raises(ValueError, match="control"):
            write(headers, "location", "/\r\nset-cookie: a=b")
        with pytest.raises(ValueError, match="not a header name"):
            write(headers, "a\r\nb", "c")
        assert headers.raw == []

    def test_names_with_an_underscore_can_be_read_back(self):
        headers = MutableHeaders([])
        headers["x_a"] = "1"
        assert headers["X_A"] == "1"
        assert list(headers) == ["x_a"]


class TestAddVary:
    def test_it_makes_the_line(self):
        raw: RawHeaders = []
        add_vary(raw, "Cookie")
        assert raw == [(b"vary", b"Cookie")]

    @pytest.mark.parametrize("value", [b"Cookie", b"cookie", b"Accept, COOKIE ,x", b"*", b"Accept, *"])
    def test_what_is_said_already_stays(self, value: bytes):
        raw: RawHeaders = [(b"a", b"1"), (b"vary", value)]
        add_vary(raw, "Cookie")
        assert [(b"a", b"1"), (b"vary", value)] == raw

    def test_it_joins_the_line_that_is_there(self):
        raw: RawHeaders = [(b"vary", b"Accept, X-Cookie"), (b"a", b"1")]
        add_vary(raw, "Cookie")
        assert raw == [(b"vary", b"Accept, X-Cookie, Cookie"), (b"a", b"1")]

    def test_every_line_counts_and_the_first_is_joined(self):
        raw: RawHeaders = [(b"vary", b"Accept"), (b"vary", b"Origin")]
        add_vary(raw, "origin")
        assert raw == [(b"vary", b"Accept"), (b"vary", b"Origin")]
        add_vary(raw, "Cookie")
        assert raw == [(b"vary", b"Accept, Cookie"), (b"vary", b"Origin")]

    def test_an_empty_line_is_filled(self):
        raw: RawHeaders = [(b"vary", b"")]
        add_vary(raw, "Cookie")
        assert raw == [(b"vary", b"Cookie")]

    def test_a_name_that_is_no_token_is_refused(self):
        with pytest.raises(ValueError, match="not a header name"):
            add_vary([], "a, b")
