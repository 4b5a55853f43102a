"""The heads of multipart parts."""

from contextlib import suppress

import pytest

from flasgo.errors import MalformedBody
from flasgo.http.parthead import PartHead, read_any_head, read_head


def disposition(value: str) -> bytes:
    return b"Content-Disposition: " + value.encode()


def names(value: str) -> tuple[str, str | None]:
    head = read_head(disposition(value))
    return head.name, head.filename


class TestDisposition:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ('form-data; name="a"', ("a", None)),
            ('form-data; name=""', ("", None)),
            ('form-data; name="a"; filename="b.txt"', ("a", "b.txt")),
            ('form-data; name="a"; filename=""', ("a", "")),
            ('form-data; filename="b.txt"; name="a"', ("a", "b.txt")),
            ('Form-Data;name="a";FILENAME="b"', ("a", "b")),
            ("form-data; name=a; filename=b.txt", ("a", "b.txt")),
            ('form-data \t;\tname="a" ; ; filename="b";', ("a", "b")),
            ('form-data; name="a"; size=3', ("a", None)),
            ('form-data; name="ü"; filename="報告.docx"', ("ü", "報告.docx")),
            ('form-data; name="a;b=c"; filename="d; e"', ("a;b=c", "d; e")),
            ('form-data; name="a\tb"', ("a\tb", None)),
            ('form-data; name="%22%0D%0A%41%"', ('"\r\n%41%', None)),
            (r'form-data; name="\"a\""; filename="b\"%22.txt"', ('"a"', 'b"%22.txt')),
            (r'form-data; name="a\b"; filename="C:\me\x.png"', (r"a\b", r"C:\me\x.png")),
            ('form-data; name="a\\"', ("a\\", None)),
            ('form-data; name="a%22\\\\"', ('a"\\\\', None)),
            (r'form-data; name="a\"; filename="b"', ("a\\", "b")),
            (r'form-data; name="a"; filename="b\"', ("a", "b\\")),
            (r'form-data; name="a%22\"; filename="\"', ('a"\\', "\\")),
            (r'form-data; name="a\"; size=3"', ('a"; size=3', None)),
            ("form-data; name=\"a\"; filename*=UTF-8''%C3%BC%20x.png", ("a", "ü x.png")),
            ("form-data; name=a; filename*=utf-8'de'x.png", ("a", "x.png")),
            ("form-data; name=a; filename*=utf-8''evil.php; filename=good.png", ("a", "good.png")),
            ("form-data; name=a; filename=good.png; filename*=utf-8''evil.php", ("a", "good.png")),
            ("form-data; name=a; filename=good.png; filename*=nonsense", ("a", "good.png")),
        ],
    )
    def test_it_names_the_field_and_the_file(self, value: str, expected: tuple[str, str | None]):
        assert expected == names(value)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "form-data",
            'attachment; name="a"',
            'form-data name="a"',
            'form-datax; name="a"',
            'form-data; filename="a"',
            "form-data; name",
            "form-data; name=",
            'form-data; name ="a"',
            'form-data; name= "a"',
            'form-data; name="a',
            'form-data; name="a"b"',
            'form-data; name="a" filename="b"',
            'form-data; name="a\\"b',
            'form-data; name="a\\"; name="b\\"',
            'form-data; name="a"; name="a"',
            'form-data; name="a"; filename="b"; filename="b"',
            'form-data; name="a"; filename="b"; FileName="c"',
            "form-data; name*=utf-8''a",
            "form-data; name=a; name*=utf-8''b",
            "form-data; name=a; filename*0=b; filename*1=c",
            "form-data; name=a; filename*0*=utf-8''b",
            "form-data; name=a; filename*=latin-1''%FC",
            "form-data; name=a; filename*=utf-8''%FC",
            "form-data; name=a; filename*=utf-8''%F",
            "form-data; name=a; filename*=b.txt",
            "form-data; naıme=a",
        ],
    )
    def test_what_breaks_its_grammar_is_refused(self, value: str):
        with pytest.raises(MalformedBody, match="Content-Disposition"):
            read_head(disposition(value))

    @pytest.mark.parametrize("value", [b'form-data; name="\xff"', b'form-data; name="a"; filename="\xff"', b"\xff"])
    def test_it_is_utf8(self, value: bytes):
        with pytest.raises(MalformedBody, match="UTF-8"):
            read_head(b"Content-Disposition: " + value)

    @pytest.mark.parametrize(
        "hostile",
        [';"', '; a="', "; a=", " ;", "\\", '\\"', '"', "; " + "a" * 50, " ", "%22", "=", ";a=b", "; a*="],
    )
    def test_16_kib_of_anything_take_linear_time(self, hostile: str, costs_at_most):
        raw = disposition("form-data; name=" + hostile * (16_384 // len(hostile)))

        def read() -> None:
            with suppress(MalformedBody):
                read_any_head(raw)

        costs_at_most(0.02, read)


class TestHeaders:
    def test_they_are_kept_as_sent(self):
        raw = b'CONTENT-DISPOSITION:form-data; name="a"\r\nX-Y: \t z \r\ncontent-type: Text/Plain; charset="UTF-8"'
        headers = [
            (b"content-disposition", b'form-data; name="a"'),
            (b"x-y", b"z"),
            (b"content-type", b'Text/Plain; charset="UTF-8"'),
        ]
        assert PartHead("a", None, "text/plain", headers) == read_head(raw)

    def test_those_of_browsers_are_read_alike(self):
        raw = b'Content-Disposition: form-data; name="a"; filename="b.txt"\r\nContent-Type: text/plain'
        headers = [(b"content-disposition", b'form-data; name="a"; filename="b.txt"'), (b"content-type", b"text/plain")]
        assert PartHead("a", "b.txt", "text/plain", headers) == read_head(raw) == read_any_head(raw)

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"X",
            b": y",
            b"X : y",
            b" X: y",
            b"\tfolded",
            b"\nX: y",
            b"X\r: y",
            b"X: y\nz",
            b"X: y\rz",
            b"X: y\0",
            b"X: \x1b[0m",
            b"X\xc3\xbc: y",
            b'Content-Disposition: form-data; name="a"',
        ],
    )
    def test_a_malformed_line_or_one_that_is_there_twice_is_refused(self, line: bytes):
        with pytest.raises(MalformedBody, match="header"):
            read_head(b'Content-Disposition: form-data; name="a"\r\n' + line)

    def test_a_head_needs_its_disposition(self):
        with pytest.raises(MalformedBody, match="Content-Disposition"):
            read_head(b"Content-Type: text/plain")

    def test_what_is_no_matter_of_forms_may_be_there_twice(self):
        assert read_head(b'X: 1\r\nX: 2\r\nContent-Disposition: form-data; name="a"').name == "a"


class TestContent:
    def head(self, *lines: str, file: bool = False) -> PartHead:
        filename = '; filename="b"' if file else ""
        return read_head("\r\n".join([f'Content-Disposition: form-data; name="a"{filename}', *lines]).encode())

    @pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary", "BINARY"])
    def test_it_may_say_that_it_is_as_it_is(self, encoding: str):
        assert self.head(f"Content-Transfer-Encoding: {encoding}").name == "a"

    @pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-uue", ""])
    def test_it_may_not_be_encoded(self, encoding: str):
        with pytest.raises(MalformedBody, match="Content-Transfer-Encoding"):
            self.head(f"Content-Transfer-Encoding: {encoding}", file=True)

    @pytest.mark.parametrize("file", [True, False])
    @pytest.mark.parametrize("kind", ["multipart/mixed", "multipart/mixed; boundary=b", "Multipart/Form-Data"])
    def test_it_may_not_have_parts(self, kind: str, file: bool):
        with pytest.raises(MalformedBody, match="multipart itself"):
            self.head(f"Content-Type: {kind}", file=file)

    def test_a_mail_may_be_uploaded(self):
        assert self.head("Content-Type: message/rfc822", file=True).content_type == "message/rfc822"

    @pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", "us-ascii"])
    def test_text_is_utf8(self, charset: str):
        assert self.head(f"Content-Type: text/plain; charset={charset}").content_type == "text/plain"

    def test_text_of_another_charset_is_refused(self):
        with pytest.raises(MalformedBody, match="UTF-8"):
            self.head("Content-Type: text/plain; charset=latin-1")

    def test_a_file_may_be_in_any_charset(self):
        assert self.head("Content-Type: text/plain; charset=latin-1", file=True).content_type == "text/plain"

    @pytest.mark.parametrize("kind", ["", "image", "image/", "image/png; x", "a/" + "b" * 1100])
    def test_a_malformed_type_is_refused(self, kind: str):
        with pytest.raises(MalformedBody, match="Content-Type"):
            self.head(f"Content-Type: {kind}", file=True)
