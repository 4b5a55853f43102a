import pytest

from flasgo import Response
from flasgo.http.cookie_lines import CookieLines
from flasgo.http.headers import MutableHeaders


def lines_of(*values: str) -> CookieLines:
    return CookieLines(MutableHeaders([(b"x-a", b"1"), *((b"set-cookie", value.encode()) for value in values)]))


def test_the_lines_are_a_list_of_the_values():
    lines = lines_of("a=1", "b=2", "c=3")
    assert lines == ["a=1", "b=2", "c=3"]
    assert (len(lines), lines[0], lines[-1], lines[1:]) == (3, "a=1", "c=3", ["b=2", "c=3"])
    assert "b=2" in lines
    assert lines != ["a=1"]
    assert lines != 5
    assert repr(lines) == "<3 Set-Cookie lines>"


def test_what_is_written_is_sent():
    response = Response("x", headers={"x-a": "1"})
    response.cookies.append("a=1")
    response.cookies.extend(["b=2", "c=3"])
    response.cookies.insert(0, "z=0")
    response.cookies[1] = "a=2"
    del response.cookies[2]
    response.cookies[2:] = ["d=4"]
    assert [line for line in response.raw if line[0] == b"set-cookie"] == [
        (b"set-cookie", b"z=0"),
        (b"set-cookie", b"a=2"),
        (b"set-cookie", b"d=4"),
    ]
    del response.cookies[:]
    assert response.cookies == []
    assert response.headers["x-a"] == "1"


def test_what_cannot_be_sent_is_refused_and_changes_nothing():
    lines = lines_of("a=1")
    with pytest.raises(ValueError, match="control character"):
        lines.append("b=2\r\nset-cookie: c=3")
    assert lines == ["a=1"]


def test_a_view_is_no_key():
    with pytest.raises(TypeError, match="unhashable"):
        hash(lines_of())
