"""The framing of a request: what of RFC 9112 the parser does not decide, or decides more kindly than its neighbours might.

Two parties that read the same bytes must see the same requests (CWE-444). httptools is strict on what is between the request line
and the empty line: bare CR and LF, folded fields, spaces before the colon, control characters, Content-Length beside
Transfer-Encoding. It does not look at what is here: other protocols and versions, more than one space in the request line, empty
lines of bare CR or LF before it, Transfer-Encoding that only ends in chunked, the authority of an absolute target.
"""

import re
from collections.abc import Mapping, Sequence

from flasgo.server.refusals import Refused

HEAD_END = b"\r\n\r\n"
HEAD_END_BYTES = len(HEAD_END)

CHUNKED = -1
"""The length of a body that tells its length itself."""

MAX_LENGTH_DIGITS = 18
"""What fits everybody's signed 64 bits."""

REQUEST_LINE = re.compile(
    rb"(?:\r\n)?"  # one empty line is to be ignored, §2.2
    rb"(?!CONNECT )[A-Z-]+ "  # which methods there are is the parser's to say; CONNECT is for proxies
    rb'(?:/[!"$-~]*|\*|((?i:https?)://[!"$-~]+)) '  # origin, asterisk and absolute form, §3.2; never a fragment
    rb"HTTP/1\.(?:1|(0))\r\n"
)
"""A request line; `lastindex` is None for the usual one, 1 for an absolute target, HTTP_1_0 for that version."""
HTTP_1_0 = 2

_LINE_SO_FAR = re.compile(rb'\r?\Z|[A-Z-]{1,32}(?: [!"$-~]*(?: [HTP/1.0]{0,8}\r?)?)?\Z')
_ABSOLUTE = re.compile(rb"[^:]+://([^/?]+)")
_AT_MOST_ONE = (b"content-length", b"transfer-encoding", b"host")


def is_no_head(start: bytes) -> bool:
    """Whether the `start` of a head, its empty line still to come, can be told to become none: better said now than at its deadline."""
    breaks = start.count(b"\r\n")
    if start.count(b"\n") != breaks or start.count(b"\r") - start.endswith(b"\r") != breaks:
        return True
    line = start.removeprefix(b"\r\n")
    known = REQUEST_LINE if b"\r\n" in line else _LINE_SO_FAR
    return known.match(line) is None


def body_length(headers: Sequence[tuple[bytes, bytes]], fields: Mapping[bytes, bytes], *, http_1_0: bool) -> int:
    """How many bytes of body follow the head, or CHUNKED (§6.3). `fields` is the mapping of `headers`, names in lower case.

    Raises Refused where another party could count otherwise.
    """
    if len(fields) != len(headers):
        names = [name for name, _ in headers]
        if any(names.count(name) > 1 for name in _AT_MOST_ONE):
            raise Refused(400, "repeated-field")
    coding = fields.get(b"transfer-encoding")
    length = fields.get(b"content-length")
    if coding is not None:
        if length is not None or http_1_0 or coding.strip(b" \t").lower() != b"chunked":
            raise Refused(400, "transfer-encoding")
        return CHUNKED
    if length is None:
        return 0
    digits = length.strip(b" \t")
    if not digits.isdigit() or len(digits) > MAX_LENGTH_DIGITS:
        raise Refused(400, "content-length")
    return int(digits)


def origin_form(target: bytes, host: bytes | None) -> bytes:
    """Path and query of a target in absolute form (§3.2.2).

    Raises Refused unless its authority is what Host says, without regard to case.
    """
    parts = _ABSOLUTE.match(target)
    if parts is None or host is None or parts[1].lower() != host.strip(b" \t").lower():
        raise Refused(400, "authority")
    rest = target[parts.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest
