"""Media types: read, negotiated, named."""

import mimetypes

import pytest

from flasgo.http.media import (
    MAX_ACCEPT_LENGTH,
    MAX_MEDIA_TYPE_LENGTH,
    MediaType,
    content_type_for,
    essence,
    is_json,
    negotiate,
    parse_media_type,
    preferred_format,
)

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
HTML_JSON = ("text/html", "application/json")
JSON_HTML = ("application/json", "text/html")


class TestParse:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("text/html", MediaType("text", "html")),
            (b"Text/HTML", MediaType("text", "html")),
            (" text/html ", MediaType("text", "html")),
            ("text/html; charset=UTF-8", MediaType("text", "html", (("charset", "UTF-8"),))),
            ("a/b;X=1;y=2", MediaType("a", "b", (("x", "1"), ("y", "2")))),
            ("a/b ; x=1\t; y=2 ", MediaType("a", "b", (("x", "1"), ("y", "2")))),
            ("a/b;;; x=1;", MediaType("a", "b", (("x", "1"),))),
            ('a/b; x="1;2, 3"', MediaType("a", "b", (("x", "1;2, 3"),))),
            (r'a/b; x="\"\\\a"', MediaType("a", "b", (("x", '"\\a'),))),
            ('a/b; x=""', MediaType("a", "b", (("x", ""),))),
            (b'a/b; x="\xe9"', MediaType("a", "b", (("x", "\xe9"),))),
            ("application/vnd.api+json", MediaType("application", "vnd.api+json")),
            ("*/*", MediaType("*", "*")),
        ],
    )
    def test_it_reads_the_grammar(self, value: str | bytes, expected: MediaType):
        assert expected == parse_media_type(value)

    @pytest.mark.parametrize(
        "value",
        [
            *("", "text", "text/", "/html", "a/b/c", "a b/c", "a /b", "a/b, c/d", "text/html\n", "é/b", "\u212a/b"),
            *("a/b; x", "a/b; x=", "a/b x=1", "a/b; =1", "a/b; x =1", "a/b; x= 1", "a/b;\nx=1"),
            *('a/b; x="', 'a/b; x="\\"', 'a/b; x="a"b', 'a/b; x="\0"', 'a/b; x="→"'),
        ],
    )
    def test_what_breaks_it_is_refused(self, value: str):
        with pytest.raises(ValueError, match="media type"):
            parse_media_type(value)

    def test_a_parameter_is_named_once(self):
        with pytest.raises(ValueError, match="twice"):
            parse_media_type("multipart/form-data; boundary=a; Boundary=b")

    def test_its_length_is_bounded(self):
        assert parse_media_type("a/b" + ";" * (MAX_MEDIA_TYPE_LENGTH - 3))
        with pytest.raises(ValueError, match="more than 1024 characters"):
            parse_media_type("a/b" + ";" * (MAX_MEDIA_TYPE_LENGTH - 2))

    @pytest.mark.parametrize("pattern", [';"', '"', "\\", '\\"', ";a=", ' ;x="', ";", " ", "a", '="'])
    def test_time_is_linear(self, pattern: str, costs_at_most):
        value = ('a/b; x="' + pattern * MAX_MEDIA_TYPE_LENGTH)[:MAX_MEDIA_TYPE_LENGTH]

        def read() -> None:
            with pytest.raises(ValueError, match="media type"):
                parse_media_type(value)
            with pytest.raises(ValueError, match="media type"):
                parse_media_type(pattern * 1_000_000)

        costs_at_most(0.05, read)


class TestMediaType:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("application/json", True),
            ("application/json; charset=utf-8", True),
            ("application/problem+json", True),
            ("text/plain", False),
            ("text/json", False),
            ("application/json-seq", False),
            ("json/application", False),
        ],
    )
    def test_is_json(self, value: str, expected: bool):
        assert parse_media_type(value).is_json is expected

    def test_parameters_are_found_by_name(self):
        media = parse_media_type("Text/Plain; Charset=UTF-8; format=flowed")
        assert media.essence == "text/plain"
        assert media.charset == "utf-8"
        assert media.parameter("format") == "flowed"
        assert media.parameter("delsp") is None
        assert parse_media_type("text/plain").charset is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"application/json", b"application/json"),
        (b"Application/JSON; charset=utf-8", b"application/json"),
        (b" text/html ;x", b"text/html"),
        (b"", b""),
        (b";", b""),
        (b"application/json, text/plain", b"application/json, text/plain"),
    ],
)
def test_essence_is_the_bare_type(value: bytes, expected: bytes):
    assert expected == essence(value)


class TestNegotiate:
    @pytest.mark.parametrize(
        ("accept", "offers", "expected"),
        [
            (None, JSON_HTML, "application/json"),
            (None, (), None),
            ("*/*", (), None),
            ("", JSON_HTML, "application/json"),
            (" , ,", JSON_HTML, "application/json"),
            ("junk", JSON_HTML, "application/json"),
            ("*/*", HTML_JSON, "text/html"),
            (BROWSER, JSON_HTML, "text/html"),
            ("application/json", HTML_JSON, "application/json"),
            ("application/json, */*", HTML_JSON, "application/json"),
            ("text/*, application/json", HTML_JSON, "application/json"),
            ("text/*", JSON_HTML, "text/html"),
            ("image/png", HTML_JSON, None),
            ("text/html;q=0.5, application/json;q=0.7", HTML_JSON, "application/json"),
            ("text/html;q=0.5, application/json;q=0.50", HTML_JSON, "text/html"),
            ("text/html;Q=0.1, */*;q=0.2", HTML_JSON, "application/json"),
            ("text/html;q=0, */*", HTML_JSON, "application/json"),
            ("text/html;q=0", ("text/html",), None),
            ("text/html;q=0, text/*", ("text/html",), None),
            ("*/*;q=0", HTML_JSON, None),
            ("TEXT/HTML", JSON_HTML, "text/html"),
            ("text/html;q=1.1, application/json", HTML_JSON, "application/json"),
            ("text/html;q=.9, application/json;q=0.1", HTML_JSON, "application/json"),
            ("text/html;q=0.1234, application/json;q=0.1", HTML_JSON, "application/json"),
            ("text/html;q=nan, application/json;q=0.001", HTML_JSON, "application/json"),
            ("*/html, application/json;q=0.1", HTML_JSON, "application/json"),
            ("application/json; charset=utf-8", HTML_JSON, "application/json"),
            ("text/html", ("text/html; charset=utf-8",), "text/html; charset=utf-8"),
            ("text/html;level=1", ("text/html",), None),
            ("text/html;level=1", ("text/html", "text/html;level=1"), "text/html;level=1"),
            ("text/html;level=1;q=0, text/html", ("text/html;level=1", "text/html"), "text/html"),
            ('text/html;x="a,b;q=0", application/json;q=0.1', ("application/json", "text/html"), "application/json"),
            ('text/html;x="a,b"', ('text/html; x="a,b"',), 'text/html; x="a,b"'),
            ('text/html;x="a\\",b", */*;q=0.1', ("a/b", 'text/html; x="a\\",b"'), 'text/html; x="a\\",b"'),
            ('text/html, application/json;x="', JSON_HTML, "text/html"),
            ('application/json;q=0.1, a/b;x="\\\n,text/html,"', HTML_JSON, "application/json"),
            ('text/html, application/json;x="\\', JSON_HTML, "text/html"),
        ],
    )
    def test_the_client_chooses(self, accept: str | None, offers: tuple[str, ...], expected: str | None):
        assert expected == negotiate(accept, offers)

    def test_the_example_of_the_rfc(self):
        """RFC 9110 §12.5.1, the weights of its last table."""
        accept = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
        by_weight = [
            "text/plain;format=flowed",
            "text/plain",
            "image/jpeg",
            "text/plain;format=fixed",
            "text/html",
        ]
        for place, best in enumerate(by_weight):
            assert best == negotiate(accept, tuple(reversed(by_weight[place:])))

    def test_what_is_too_much_is_read_as_nothing(self):
        assert negotiate("application/json" + " " * MAX_ACCEPT_LENGTH, HTML_JSON) == "text/html"
        ranges = ",".join(["application/json"] * 100)
        assert negotiate(ranges, HTML_JSON) == "application/json"
        assert negotiate(ranges + ",a/b", HTML_JSON) == "text/html"

    def test_an_offer_that_is_no_media_type_is_the_programmers_mistake(self):
        with pytest.raises(ValueError, match="not a media type"):
            negotiate("*/*", ("html",))

    @pytest.mark.parametrize("pattern", ['"', '"\\",', ',"', "\\", ",", 'a/b;c="', 'a/b;c="d",', '\\",', "a/b,", '"a'])
    def test_time_is_linear(self, pattern: str, costs_at_most):
        accept = (pattern * MAX_ACCEPT_LENGTH)[:MAX_ACCEPT_LENGTH]
        costs_at_most(0.05, lambda: negotiate(accept, HTML_JSON))
        costs_at_most(0.05, lambda: negotiate(accept * 1000, HTML_JSON))


class TestPreferredFormat:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            (None, "text"),
            ("", "text"),
            ("*/*", "text"),
            ("text/*", "text"),
            ("application/*", "text"),
            ("image/png, */*;q=0.1", "text"),
            (BROWSER, "html"),
            ("text/html", "html"),
            ("text/html;q=0.1, */*", "html"),
            ("text/html;q=0", "text"),
            ("application/json", "json"),
            ("application/json; charset=utf-8", "json"),
            ("application/problem+json", "json"),
            ("application/vnd.api+json;q=0.2", "json"),
            ("application/json, text/plain, */*", "json"),
            ("text/html, application/json", "json"),
            ("text/html, application/json;q=0.9", "html"),
            ("text/plain, application/json;q=0.9", "text"),
            ("application/json;q=0, text/html;q=0.1", "html"),
            ("application/json;q=0.1, application/ld+json;q=0.7, text/html;q=0.5", "json"),
            ("application/json;q=0.7, application/json;q=0.1, text/html;q=0.5", "json"),
        ],
    )
    def test_whom_it_takes_the_client_for(self, accept: str | None, expected: str):
        assert expected == preferred_format(accept)


class TestContentTypeFor:
    @pytest.mark.parametrize(
        ("filename", "expected"),
        [
            ("index.html", "text/html; charset=utf-8"),
            ("INDEX.HTML", "text/html; charset=utf-8"),
            ("css/site.css", "text/css; charset=utf-8"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("app.min.js.map", "application/json"),
            ("data.json", "application/json"),
            ("notes.md", "text/markdown; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("app.wasm", "application/wasm"),
            ("logo.svg", "image/svg+xml"),
            ("photo.webp", "image/webp"),
            ("photo.avif", "image/avif"),
            ("photo.jpg", "image/jpeg"),
            ("favicon.ico", "image/x-icon"),
            ("font.woff2", "font/woff2"),
            ("site.webmanifest", "application/manifest+json"),
            ("feed.xml", "application/xml"),
            ("dump.tar.gz", "application/gzip"),
            ("logo.svgz", "application/gzip"),
            ("paper.pdf", "application/pdf"),
        ],
    )
    def test_known_extensions(self, filename: str, expected: str):
        assert expected == content_type_for(filename)

    @pytest.mark.parametrize(
        "filename",
        ["", ".", "README", "a.", "a.unheard-of", ".html", "dir/.html", "a.html/b", "data:text/html,x", "a.b/c"],
    )
    def test_anything_else_is_just_bytes(self, filename: str):
        assert content_type_for(filename) == "application/octet-stream"

    def test_what_the_machine_or_the_process_adds_does_not_count(self):
        mimetypes.add_type("text/x-surprise", ".unheard-of")
        try:
            assert content_type_for("a.unheard-of") == "application/octet-stream"
        finally:
            mimetypes.init()


def test_json_has_these_names():
    assert [is_json(kind) for kind in (b"application/json", b"application/x+json", b"text/json", b"image/x+json")] == [
        True,
        True,
        False,
        False,
    ]
