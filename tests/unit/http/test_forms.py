"""Forms: FormData, and reading either encoding by its Content-Type."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from flasgo.errors import ClientDisconnected, ContentTooLarge, MalformedBody
from flasgo.http.formlimits import FormLimits
from flasgo.http.forms import LARGE, FormData, parse_form, read_form
from flasgo.http.uploads import UploadedFile
from flasgo.testing.encode import encode_payload

URLENCODED = b"application/x-www-form-urlencoded"
LIMITS = FormLimits()
FILE = UploadedFile("avatar", "me.png", b"\x89PNG")


async def pieces(*chunks: bytes) -> AsyncGenerator[bytes]:
    for chunk in chunks:
        yield chunk


async def untouched() -> AsyncGenerator[bytes]:
    raise AssertionError("the body was read")
    yield b""


def multipart(boundary: bytes = b"b") -> bytes:
    return b'--%b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--%b--\r\n' % (boundary, boundary)


class TestFormData:
    def test_it_is_a_mapping_of_first_values(self):
        form = FormData({"a": ["1", "2"], "b": "x", "c": [""]})
        assert form == {"a": "1", "b": "x", "c": ""}
        assert list(form) == ["a", "b", "c"]
        assert list(form.items()) == [("a", "1"), ("b", "x"), ("c", "")]
        assert list(form.values()) == ["1", "x", ""]
        assert len(form) == 3
        assert "a" in form
        assert "d" not in form
        assert form["a"] == "1"
        with pytest.raises(KeyError):
            form["d"]

    def test_get_has_a_default(self):
        form = FormData({"a": "", "b": []})
        assert (form.get("a"), form.get("b"), form.get("c")) == ("", None, None)
        assert (form.get("a", "x"), form.get("b", "x"), form.get("c", default=3)) == ("", "x", 3)
        assert form.get(1) is None

    def test_getlist_has_all_values_and_is_the_callers_own(self):
        form = FormData({"a": ["1", "2"]})
        form.getlist("a").append("3")
        assert form.getlist("a") == ["1", "2"]
        assert form.getlist("b") == []
        assert form.fields == {"a": ["1", "2"]}

    def test_files_are_apart(self):
        other = UploadedFile("avatar", "you.png", b"")
        form = FormData(files={"avatar": [FILE, other], "cover": FILE, "none": []})
        assert (form.file("avatar"), form.file("cover"), form.file("none")) == (FILE, FILE, None)
        assert ([FILE, other], []) == (form.filelist("avatar"), form.filelist("none"))
        assert {"avatar": (FILE, other), "cover": (FILE,)} == form.files
        assert "avatar" not in form
        assert form.get("avatar") is None

    def test_length_and_truth_count_text_only(self):
        assert not FormData(files={"avatar": FILE})
        assert FormData({"a": ""})
        assert len(FormData()) == 0

    def test_it_is_equal_by_content(self):
        assert FormData({"a": ["1", "2"]}) == FormData({"a": ["1", "2"]})
        assert FormData({"a": ["1", "2"]}) != FormData({"a": "1"})
        assert FormData({"a": "1"}) != FormData({"a": "1"}, {"avatar": FILE})
        assert FormData({"a": "1"}, {"avatar": FILE}) == FormData({"a": "1"}, {"avatar": [FILE]})
        assert FormData({"a": "1"}, {"avatar": FILE}) != {"a": "1"}
        assert FormData() != []
        with pytest.raises(TypeError):
            hash(FormData())

    def test_its_repr_shows_no_value(self):
        form = FormData({"password": "hunter2"}, {"avatar": FILE})
        assert repr(form) == "<FormData with 1 fields and 1 names of files>"

    async def test_closing_one_without_spool_is_harmless(self):
        FormData().close()
        await FormData().aclose()
        form = parse_form(b"multipart/form-data; boundary=b", multipart(), LIMITS)
        await form.aclose()
        assert form == {"a": "1"}


class TestContentType:
    @pytest.mark.parametrize(
        "kind", [None, b"", b"text/plain", b"application/json", b"multipart/mixed; boundary=b", b";"]
    )
    async def test_what_is_not_a_forms_is_an_empty_form_and_not_read(self, kind: bytes | None):
        assert FormData() == await read_form(kind, untouched(), LIMITS) == parse_form(kind, b"a=1", LIMITS)

    @pytest.mark.parametrize(
        "kind",
        [
            URLENCODED,
            b"Application/X-WWW-Form-URLencoded",
            URLENCODED + b";",
            URLENCODED + b"; charset=UTF-8",
            URLENCODED + b'; charset="utf8"; x=y',
        ],
    )
    async def test_urlencoded_in_utf8(self, kind: bytes):
        assert await read_form(kind, pieces(b"a=%C3", b"%BC"), LIMITS) == {"a": "ü"}
        assert parse_form(kind, b"a=%C3%BC", LIMITS) == {"a": "ü"}

    @pytest.mark.parametrize("charset", [b"latin-1", b"utf-16", b"no-such", b'""'])
    @pytest.mark.parametrize("kind", [URLENCODED, b"multipart/form-data; boundary=b"])
    async def test_another_charset_is_refused(self, kind: bytes, charset: bytes):
        with pytest.raises(MalformedBody, match="UTF-8"):
            await read_form(kind + b"; charset=" + charset, untouched(), LIMITS)

    @pytest.mark.parametrize("kind", [URLENCODED + b"; charset", URLENCODED + b"; charset=utf-8; charset=utf-8"])
    async def test_a_malformed_one_is_refused(self, kind: bytes):
        with pytest.raises(MalformedBody, match="Content-Type"):
            await read_form(kind, untouched(), LIMITS)

    @pytest.mark.parametrize(
        ("parameter", "boundary"),
        [
            (b"boundary=b", b"b"),
            (b"boundary=----WebKitFormBoundaryx7", b"----WebKitFormBoundaryx7"),
            (b'charset=utf-8; boundary="b"', b"b"),
            (b'Boundary="a b=c?"', b"a b=c?"),
            (b"boundary=" + b"b" * 70, b"b" * 70),
        ],
    )
    async def test_multipart_has_a_boundary(self, parameter: bytes, boundary: bytes):
        kind = b"multipart/form-data; " + parameter
        assert await read_form(kind, pieces(multipart(boundary)), LIMITS) == {"a": "1"}
        assert parse_form(kind.upper().replace(parameter.upper(), parameter), multipart(boundary), LIMITS) == {"a": "1"}

    @pytest.mark.parametrize(
        "parameters",
        [
            b"",
            b";",
            b"; boundary",
            b"; boundary=",
            b'; boundary=""',
            b"; boundary=b; boundary=c",
            b"; boundary=a b",
            b'; boundary="a "',
            b'; boundary="a\nb"',
            b'; boundary="a\\"b"',
            b'; boundary="\xfc"',
            b"; boundary=a*b",
            b"; boundary=" + b"b" * 71,
            b"; boundary=" + b"b" * 2000,
            b"; x=" + b';"' * 8192,
        ],
    )
    def test_multipart_without_a_proper_boundary_is_refused(self, parameters: bytes, costs_at_most):
        def refuse() -> None:
            reading = read_form(b"multipart/form-data" + parameters, untouched(), LIMITS)
            with pytest.raises(MalformedBody, match="Include a boundary in the Content-Type header"):
                reading.send(None)  # it awaits nothing

        costs_at_most(0.02, refuse)


class TestUrlencoded:
    def test_values_are_grouped_by_name(self):
        form = parse_form(URLENCODED, b"a=1&b=%20&a=2&c&=x", LIMITS)
        assert form.fields == {"a": ["1", "2"], "b": [" "], "c": [""], "": ["x"]}

    @pytest.mark.parametrize("body", [b"a=\xff", b"a=%ff", b"%c3=1"])
    def test_it_is_utf8(self, body: bytes):
        with pytest.raises(MalformedBody, match="UTF-8"):
            parse_form(URLENCODED, body, LIMITS)

    async def test_it_may_be_empty(self):
        assert FormData() == await read_form(URLENCODED, pieces(), LIMITS)

    async def test_it_has_a_number_of_fields(self):
        limits = FormLimits(max_fields=3)
        assert parse_form(URLENCODED, b"a&b&c", limits)
        with pytest.raises(ContentTooLarge, match="more than 3 fields"):
            await read_form(URLENCODED, pieces(b"a&b", b"&c&d"), limits)

    def test_a_million_fields_are_soon_too_many(self, costs_at_most):
        body = b"a=1&" * 250_000 + b"&" * 750_000

        def refuse() -> None:
            with pytest.raises(ContentTooLarge):
                parse_form(URLENCODED, body, FormLimits(max_body_bytes=2**21))

        costs_at_most(0.05, refuse)

    async def test_it_has_a_size_while_it_is_read(self):
        async def endless() -> AsyncGenerator[bytes]:
            while True:
                yield b"a" * 1000

        limits = FormLimits(max_body_bytes=2000)
        assert parse_form(URLENCODED, b"a" * 2000, limits)
        for attempt in (lambda: read_form(URLENCODED, endless(), limits), lambda: self.parse(b"a" * 2001, limits)):
            with pytest.raises(ContentTooLarge, match="2000 bytes") as caught:
                await attempt()
            assert caught.value.headers == {"connection": "close"}

    async def parse(self, body: bytes, limits: FormLimits) -> FormData:
        return parse_form(URLENCODED, body, limits)

    async def test_many_escapes_leave_the_loop_alone(self):
        body = b"a=" + b"%41b" * LARGE
        reading = asyncio.create_task(read_form(URLENCODED, pieces(body), LIMITS))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        assert (await reading)["a"] == "Ab" * LARGE
        assert turns > 3


class TestStream:
    async def test_it_is_closed_when_the_form_is_refused(self):
        for kind in (URLENCODED, b"multipart/form-data; boundary=b"):
            stream = pieces(b"a=\xff", b"b=2", b"c=3")
            with pytest.raises((MalformedBody, ContentTooLarge)):
                await read_form(kind, stream, FormLimits(max_body_bytes=2))
            assert [piece async for piece in stream] == []

    async def test_it_need_not_be_a_generator(self):
        class Stream:
            def __aiter__(self) -> AsyncIterator[bytes]:
                return self

            async def __anext__(self) -> bytes:
                raise ClientDisconnected("gone")

        with pytest.raises(ClientDisconnected):
            await read_form(URLENCODED, Stream(), LIMITS)

    @pytest.mark.parametrize("ending", ["close", "aclose"])
    async def test_a_form_with_large_files_is_closed(self, tmp_path: Path, ending: str):
        body = os.urandom(400_000)
        payload = encode_payload(data={"a": "1"}, files={"f": ("x", body)})
        assert payload is not None
        assert payload.content_type is not None
        assert isinstance(payload.body, bytes)
        kind = payload.content_type.encode()
        form = await read_form(kind, pieces(payload.body), FormLimits(temp_dir=str(tmp_path)))
        file = form.file("f")
        assert file is not None
        assert body == file.body
        form.close() if ending == "close" else await form.aclose()
        with pytest.raises(ValueError, match="closed"):
            await file.read()
