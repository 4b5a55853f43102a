"""Cookies: two ways of reading agree, and what is written is read back."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.cookies import DuplicateCookie, build_set_cookie, find_cookie, parse_cookies

TOKENS = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12)
OCTETS = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) not in '",;\\'], max_size=20)


PIECES = st.sampled_from(
    ["s", "s=", "s=1", " s =2 ", "=s", "=s=1", "ss=3", "s s=4", "a=s", "a=s=5", "\ts=6", "", " ", "="]
)


@given(st.lists(PIECES, max_size=5), st.sampled_from([";", "; "]), st.sampled_from(["s", "ss", "s s"]))
@example(["s=1", "s=1"], "; ", "s")
@example(["s=1"], "; ", "s")
def test_finding_one_agrees_with_reading_all(pieces: list[str], separator: str, name: str):
    header = separator.join(pieces).encode()
    read = parse_cookies(header)
    values = read.get(name, [])
    if len(values) > 1 or any(value.startswith(f"{name}=") for value in read.get("", [])):
        with pytest.raises(DuplicateCookie):
            find_cookie(header, name.encode())
    else:
        assert [value.encode() for value in values] == [
            value for value in [find_cookie(header, name.encode())] if value is not None
        ]


@given(st.binary(max_size=60))
def test_any_bytes_can_be_read(header: bytes):
    for name, values in parse_cookies(header).items():
        assert ";" not in name + "".join(values)


@given(st.dictionaries(TOKENS, OCTETS, max_size=6))
def test_what_is_set_is_read_back(jar: dict[str, str]):
    lines = [build_set_cookie(name, value) for name, value in jar.items()]
    header = "; ".join(line.partition(";")[0] for line in lines).encode()
    assert {name: [value] for name, value in jar.items()} == parse_cookies(header)
    for name, value in jar.items():
        assert value.encode() == find_cookie(header, name.encode())


ODD = st.text('ab/.;=, \t\r\n\0"\\é→', max_size=6)


@given(ODD, st.sampled_from(["name", "value", "path", "domain"]))
@example("b;c", "value")
@example("b", "value")
def test_no_text_adds_an_attribute(text: str, place: str):
    texts = {"name": "a", "value": "b", "path": "/", "domain": "c"}
    name, value, path, domain = {**texts, place: texts["path"] + text if place == "path" else text}.values()
    try:
        line = build_set_cookie(name, value, path=path, domain=domain)
    except ValueError:
        return
    assert line.isascii()
    assert line.isprintable()
    assert [name, "Path", "Domain", "SameSite", "Secure", "HttpOnly"] == [
        attribute.strip(" ").partition("=")[0]
        for attribute in line.split(";")  # as browsers do (RFC 6265bis §5.6)
    ]
