import io
import re
from email.parser import BytesParser
from email.policy import HTTP
from uuid import UUID

import pytest
from msgspec import Struct

from flasgo.testing.encode import Payload, encode_fields, encode_payload


def form(**kinds) -> tuple[str, bytes]:
    """Boundary and body of the multipart form that is made of these."""
    payload = encode_payload(**kinds)
    assert payload is not None
    assert isinstance(payload.body, bytes)
    match = re.fullmatch(r"multipart/form-data; boundary=(flasgo-[0-9a-f]{32})", payload.content_type or "")
    assert match is not None
    return str(match[1]), payload.body


def parts_of(**kinds):
    boundary, body = form(**kinds)
    head = f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n".encode()
    return list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())


def test_nothing_given_is_no_payload():
    assert encode_payload() is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"raw", b"raw"), ("grün", b"gr\xc3\xbcn"), (bytearray(b"ab"), b"ab"), (memoryview(b"ab"), b"ab"), (b"", b"")],
)
def test_a_body_of_text_or_bytes_is_sent_as_it_is_without_content_type(body, expected):
    assert encode_payload(body=body) == Payload(expected)


def test_an_iterable_body_stays_a_stream():
    pieces = [b"a", b"b"]
    assert encode_payload(body=pieces) == Payload(pieces)


@pytest.mark.parametrize(
    "kinds",
    [
        {"body": b"", "json": 1},
        {"body": b"", "data": {}},
        {"json": None, "files": {}},
        {"body": b"", "files": {}},
        {"json": 1, "data": {}},
    ],
)
def test_two_kinds_of_body_are_refused(kinds):
    with pytest.raises(ValueError, match="only one of body=, json= and data=/files="):
        encode_payload(**kinds)


class Book(Struct):
    title: str


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2]}, b'{"a":[1,2]}'),
        (None, b"null"),
        ("ü", '"ü"'.encode()),
        (Book("Emma"), b'{"title":"Emma"}'),
        ([], b"[]"),
    ],
)
def test_json_is_compact_utf_8(value, expected):
    assert encode_payload(json=value) == Payload(expected, "application/json")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"a": "1", "b": ["2", 3]}, "a=1&b=2&b=3"),
        ([("a", "1"), ("a", "2")], "a=1&a=2"),
        ({"t": ("x",), "e": []}, "t=x"),
        ({"s": "a b&c=d/é"}, "s=a+b%26c%3Dd%2F%C3%A9"),
        ({"raw": b"\xff\x00", "empty": ""}, "raw=%FF%00&empty="),
        ({"id": UUID(int=1), "f": 1.5, "b": True}, "id=00000000-0000-0000-0000-000000000001&f=1.5&b=True"),
        ({}, ""),
    ],
)
def test_fields_are_urlencoded_and_sequences_repeat_the_name(fields, expected):
    assert encode_fields(fields) == expected
    assert encode_payload(data=fields) == Payload(expected.encode(), "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("a=1", "send text or bytes with body="),
        (b"a=1", "send text"),
        ({"a": None}, "leave it out"),
        ({"a": [None]}, "leave it out"),
        ({1: "a"}, "is a str, not int"),
    ],
)
def test_fields_of_a_wrong_type_are_a_type_error_with_advice(fields, message):
    with pytest.raises(TypeError, match=message):
        encode_payload(data=fields)


def test_data_and_files_make_one_multipart_body():
    parts = parts_of(data={"title": "ü", "tag": ["a", "b"]}, files={"f": ("a.txt", "text")})
    assert [part.get_param("name", header="content-disposition") for part in parts] == ["title", "tag", "tag", "f"]
    assert [part.get_payload(decode=True) for part in parts] == ["ü".encode(), b"a", b"b", b"text"]
    assert "content-type" not in parts[0]


def test_every_multipart_body_has_a_boundary_of_its_own():
    assert form(files={})[0] != form(files={})[0]


def test_a_multipart_body_has_exactly_the_framing_of_rfc_7578():
    boundary, body = form(data={"a": "1"}, files={"f": ("n.bin", b"\r\n--x\x00", "image/png")})
    assert body.decode("latin-1") == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="n.bin"\r\nContent-Type: image/png\r\n\r\n'
        f"\r\n--x\x00\r\n--{boundary}--\r\n"
    )


def test_no_files_at_all_are_still_multipart():
    boundary, body = form(files={})
    assert body == f"--{boundary}--\r\n".encode()


def test_files_may_be_pairs_open_files_or_bare_content(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"PNG")
    with path.open("rb") as opened:
        parts = parts_of(
            files=[("f", opened), ("f", io.BytesIO(b"mem")), ("f", b"raw"), ("f", ("s.json", io.StringIO("{}")))]
        )
    assert [part.get_filename() for part in parts] == ["photo.png", "f", "f", "s.json"]
    assert [part.get_payload(decode=True) for part in parts] == [b"PNG", b"mem", b"raw", b"{}"]
    assert [part.get_content_type() for part in parts] == [
        "image/png",
        "application/octet-stream",
        "application/octet-stream",
        "application/json",
    ]


def test_a_file_name_cannot_end_its_line():
    _, body = form(files={'a"\r\nX: y': ('b"\r\nContent-Type: text/html\r\n\r\n', b"")})
    head = body.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[1:] == [
        b'Content-Disposition: form-data; name="a%22%0D%0AX: y"; filename="b%22%0D%0AContent-Type: text/html%0D%0A%0D%0A"',
        b"Content-Type: application/octet-stream",
    ]


def test_a_content_type_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="holds CR, LF or NUL"):
        encode_payload(files={"f": ("a", b"", "text/plain\r\nX: y")})
