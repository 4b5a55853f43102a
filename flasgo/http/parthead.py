"""The head of a part of multipart/form-data: its header lines, its name, its file name (RFC 7578 §4.2, WHATWG HTML §4.10.21.8).

Text is UTF-8. In quotes browsers write %22, %0D and %0A for '"', CR and LF and nothing else; older programs write \\" for '"'.
A backslash that stands for itself stays, as browsers send it; before the last '"' it does where the head could not be read otherwise.
Every scan is linear in a head, whose length the caller bounds.
"""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from flasgo.errors import MalformedBody
from flasgo.http.headers import TOKEN, Headers, RawHeaders
from flasgo.http.media import MediaType, parse_media_type
from flasgo.patterns import regex

_UTF8 = frozenset({None, "utf-8", "utf8", "us-ascii"})
_DISPOSITION = b"content-disposition"
_TYPE = b"content-type"
_ENCODING = b"content-transfer-encoding"
_KNOWN = frozenset({_DISPOSITION, _TYPE, _ENCODING})
_UNENCODED = frozenset({b"7bit", b"8bit", b"binary"})

# The heads that browsers write, read at once; the rest of this room reads any head, and these no differently.
_PLAIN = rb'[^\x00-\x1f"%\\\x7f]*'
_USUAL = regex(
    rb'Content-Disposition: (form-data; name="(%b)"(?:; filename="(%b)")?)'
    rb"(?:\r\nContent-Type: ((?!multipart/)[a-z]{1,64}/[0-9a-z.+-]{1,64}))?" % (_PLAIN, _PLAIN)
)
USUAL_PART = regex(rb"\r\n%b\r\n\r\n" % _USUAL.pattern)

_NAME = regex(TOKEN.pattern.encode())
_CONTROL = regex(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PARAMETER, _PARAMETER_OF_BROWSERS = (
    regex(rf";[\t ]*(?:({TOKEN.pattern})=({TOKEN.pattern}|{quoted})[\t ]*)?", re.DOTALL)
    for quoted in (r'"(?:[^"\\]|\\.)*"', '"[^"]*"')
)
_EXTENDED = regex(r"utf-8'[0-9a-z-]*'((?:[!#$&+\-.^_`|~0-9a-z]|%[0-9a-f]{2})*)", re.ASCII | re.IGNORECASE)


class PartHead(Struct):
    """What the head of a part says. `filename` is None for a field of text; `content_type` is bare and in lower case."""

    name: str
    filename: str | None
    content_type: str | None
    headers: RawHeaders


def read_head(head: bytes) -> PartHead:
    """The lines before the empty one, joined by CRLF.

    Raises MalformedBody where they are not the headers of one field or file, sent as it is.
    """
    usual = _USUAL.fullmatch(head)
    if usual is None:
        return read_any_head(head)
    disposition, name, filename, media_type = usual.groups()
    content_type, headers = usual_headers(disposition, media_type)
    try:
        return PartHead(name.decode(), None if filename is None else filename.decode(), content_type, headers.raw)
    except UnicodeDecodeError:
        raise _malformed_disposition() from None


def usual_headers(disposition: bytes, media_type: bytes | None) -> tuple[str | None, Headers]:
    """The content type and the headers of a head that USUAL_PART matches."""
    if media_type is None:
        return None, Headers([(_DISPOSITION, disposition)])
    return media_type.decode(), Headers([(_DISPOSITION, disposition), (_TYPE, media_type)])


def read_any_head(head: bytes) -> PartHead:
    """`read_head` by the grammar; raises as it does."""
    headers = [_header(line) for line in head.split(b"\r\n")]
    known: dict[bytes, bytes] = {}
    for header, value in headers:
        if header in known:
            raise MalformedBody("A part of the form has a header twice.")
        if header in _KNOWN:
            known[header] = value
    if known.get(_ENCODING, b"binary").lower() not in _UNENCODED:
        raise MalformedBody("A part of the form is encoded. Send it as it is, without Content-Transfer-Encoding.")
    name, filename = _disposition(known.get(_DISPOSITION, b""))
    if _TYPE not in known:
        return PartHead(name, filename, None, headers)
    media = _media_type(known[_TYPE])
    if media.type == "multipart":
        raise MalformedBody("A part of the form is multipart itself. Send each file as a part of the form.")
    if filename is None and not is_utf8(media):
        raise MalformedBody("A field of the form is not in UTF-8. Send text in UTF-8.")
    return PartHead(name, filename, media.essence, headers)


def is_utf8(media: MediaType) -> bool:
    """Does it say so of its text, or nothing?"""
    return media.charset in _UTF8


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or _NAME.fullmatch(name) is None or _CONTROL.search(value) is not None:
        raise MalformedBody("A part of the form has a malformed header. Write each as Name: value, on one line.")
    return name.lower(), value.strip(b" \t")


@lru_cache(maxsize=256)
def _media_type(value: bytes) -> MediaType:
    try:
        return parse_media_type(value)
    except ValueError:
        raise MalformedBody("A part of the form has a malformed Content-Type. Write it as type/subtype.") from None


def _disposition(value: bytes) -> tuple[str, str | None]:
    """Name and file name. `filename*` (RFC 8187) is read where there is no `filename`, which it never overrides."""
    try:
        parameters = _parameters(value.decode())
        filename = None
        if "filename" in parameters:
            filename = _unquoted(parameters["filename"])
        elif "filename*" in parameters:
            filename = _extended(parameters["filename*"])
        return _unquoted(parameters["name"]), filename
    except (ValueError, KeyError):
        raise _malformed_disposition() from None


def _malformed_disposition() -> MalformedBody:
    return MalformedBody(
        'A part of the form has no proper Content-Disposition. Write form-data; name="…" in UTF-8, each parameter once.'
    )


def _parameters(text: str) -> dict[str, str]:
    """The parameters of form-data as written, names in lower case. Raises ValueError."""
    try:
        return _parameters_by(_PARAMETER, text)
    except ValueError:
        if "\\" not in text:
            raise
    return _parameters_by(_PARAMETER_OF_BROWSERS, text)


def _parameters_by(grammar: re.Pattern[str], text: str) -> dict[str, str]:
    kind, _, _ = text.partition(";")
    if kind.rstrip(" \t").lower() != "form-data":
        raise ValueError("another disposition")
    parameters: dict[str, str] = {}
    end = len(kind)
    while end < len(text):
        match = grammar.match(text, end)
        if match is None:
            raise ValueError("no parameter")
        end = match.end()
        if match[1] is None:
            continue
        name = match[1].lower()
        # RFC 2231 would have a value continued in filename*1, and written in any charset: RFC 7578 §4.2 has neither.
        if name in parameters or ("*" in name and name != "filename*"):
            raise ValueError("a parameter twice, or continued")
        parameters[name] = match[2]
    return parameters


def _unquoted(value: str) -> str:
    if value[0] != '"':
        return value
    inner = value[1:-1]
    if '\\"' in inner:
        return inner.replace('\\"', '"')
    return inner.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _extended(value: str) -> str:
    match = _EXTENDED.fullmatch(value)
    if match is None:
        raise ValueError("not an extended value in UTF-8")
    return unquote_to_bytes(match[1]).decode()
