"""What a client sends costs in proportion to its size: eight times as much may cost eight times as much, and never sixty-four times.

A bound in seconds finds what takes minutes; this finds what is quadratic and still quick (SECURITY-DESIGN §13). Processor time of this
thread is compared with itself, so it does not matter how fast the machine is or what else it does.
"""

from collections.abc import Callable
from contextlib import suppress
from time import thread_time

import pytest

from flasgo.auth.tokens import extract_bearer_token
from flasgo.errors import FlasgoError
from flasgo.events import line_of, trace_of
from flasgo.http.conditional import parse_etag_list, parse_http_date
from flasgo.http.cookies import find_cookie, parse_cookies
from flasgo.http.filenames import safe_filename
from flasgo.http.folders import is_safe_path
from flasgo.http.formlimits import FormLimits
from flasgo.http.forms import parse_form
from flasgo.http.headers import Headers, add_vary
from flasgo.http.hosts import host_name
from flasgo.http.jsontext import within_depth
from flasgo.http.media import negotiate, parse_media_type, preferred_format
from flasgo.http.parthead import read_any_head
from flasgo.http.query import parse_query
from flasgo.http.ranges import parse_range
from flasgo.outbound.urls import parse_url
from flasgo.redirects import is_safe_redirect_target
from flasgo.routing.converters import Converters
from flasgo.routing.pattern import parse
from flasgo.routing.table import Table
from flasgo.security.csrf import unmask
from flasgo.security.origins import parse_origin, referring_origin
from flasgo.security.proxies import forwarded_hops, x_forwarded_hops
from flasgo.signing import Signer, decode_base64url
from flasgo.validation.decode import decoder_for

SMALL = 8_192
FACTOR = 8
QUADRATIC = FACTOR * FACTOR
NOTHING = 0.002
"""Seconds that nobody minds: what is refused for its length costs as good as nothing, and less than the clock can tell."""

UNITS = (
    b"a", b";", b'"', b"\\", b';"', b'\\"', b"=;", b",", b'",', b"a=", b"a=b;", b"a,b;q=1,", b" ", b"\t ", b"(", b"/", b"//", b"../", b"%", b"%2e",
    b"\r", b"\n", b"\r\n", b"\r\n ", b"--", b"--b", b"\r\n--b", b"&", b"=", b"a=b&", b"[", b"{", b'{"a":', b'"\\u0000', b"0-", b"0-0,", b"-", b"bytes=0-,",
    b"W/", b'W/"', b'"a",', b"for=", b"1.1.1.1,", b"for=1.1.1.1;by=2,", b":", b"::", b"@", b"#", b"?", b".", b"a.", b"1.", b"xn--", b"\xff", b"\xc3\xa9", b"\xcc\x81\xcc\x96", b"\xcc\x96\xcc\x81\xcc\xa7", b"\x00", b"*",
)  # fmt: skip

LIMITS = FormLimits(max_body_bytes=2**24, max_multipart_bytes=2**24)
SIGNER = Signer(("a-key-for-tests-0123456789-abcdefghij",), "session")


def table_of_hostile_routes() -> Table[str]:
    table: Table[str] = Table()
    for path in ("/a/<path:rest>/b", "/<x>-<y>-<z>", "/<path:all>", "/a/<int:n>", "/<float:f>/a"):
        table.add(parse(path, Converters()), {"GET": path})
    table.freeze()
    return table


TABLE = table_of_hostile_routes()


def text(work: Callable[[str], object]) -> Callable[[bytes], object]:
    def as_server_and_as_browser(data: bytes) -> None:
        for encoding in ("latin-1", "utf-8"):
            with suppress(FlasgoError, ValueError):
                work(data.decode(encoding, "replace"))

    return as_server_and_as_browser


WORK: dict[str, Callable[[bytes], object]] = {
    "bearer": text(lambda data: extract_bearer_token(f"Bearer {data}")),
    "cookies": parse_cookies,
    "one cookie": lambda data: find_cookie(data, b"a"),
    "content-type": parse_media_type,
    "accept": text(lambda data: negotiate(data, ["text/html", "application/json"])),
    "format": text(preferred_format),
    "etags": text(parse_etag_list),
    "date": text(parse_http_date),
    "range": text(lambda data: parse_range(f"bytes={data}", 10**9)),
    "query": lambda data: parse_query(data, max_fields=10**6),
    "form": lambda data: parse_form(b"application/x-www-form-urlencoded", data, LIMITS),
    "multipart": lambda data: parse_form(b"multipart/form-data; boundary=b", b"--b\r\n" + data, LIMITS),
    "part": lambda data: parse_form(
        b"multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n' + data + b"\r\n--b--\r\n",
        LIMITS,
    ),
    "part's head": lambda data: read_any_head(b"Content-Disposition: form-data; name=" + data),
    "file name": text(safe_filename),
    "path of a file": text(is_safe_path),
    "host": host_name,
    "origin": lambda data: parse_origin(b"https://" + data),
    "referer": lambda data: referring_origin(b"https://" + data),
    "forwarded": lambda data: list(forwarded_hops({"type": "http", "headers": [(b"forwarded", data)]})),
    "x-forwarded": lambda data: list(x_forwarded_hops({"type": "http", "headers": [(b"x-forwarded-for", data)]})),
    "depth of JSON": within_depth,
    "JSON": decoder_for(object),
    "redirect": text(lambda data: is_safe_redirect_target(f"/{data}")),
    "outbound URL": text(lambda data: parse_url(f"http://{data}/")),
    "route": text(lambda data: TABLE.find("GET", f"/a/{data}")),
    "CSRF token": unmask,
    "base64url": decode_base64url,
    "signature": lambda data: SIGNER.unsign(data, max_age=60),
    "vary": lambda data: add_vary([(b"vary", data)], "Cookie"),
    "headers": lambda data: Headers([(b"a", data)] * 3).get("a"),
    "line of the log": text(lambda data: line_of("request-refused", {"path": data})),
    "traceback": text(lambda data: trace_of(ValueError(data))),
}


def cost(work: Callable[[bytes], object], data: bytes) -> float:
    started = thread_time()
    with suppress(FlasgoError, ValueError):
        work(data)
    return thread_time() - started


@pytest.mark.parametrize("name", WORK)
def test_eight_times_as_much_costs_no_more_than_a_few_times_eight_times(name: str) -> None:
    work = WORK[name]
    grown = []
    for unit in UNITS:
        small = (unit * SMALL)[:SMALL]
        for _ in range(4):
            much = cost(work, small * FACTOR)
            if much < NOTHING:
                break
            ratio = much / max(cost(work, small), NOTHING / QUADRATIC)
            if ratio < QUADRATIC / 2:
                break
        else:
            grown.append(unit)
    assert grown == []


@pytest.mark.parametrize("work", [lambda data: [data[:i].count(b"x") for i in range(0, len(data), 4)]])
def test_what_is_quadratic_is_found(work: Callable[[bytes], object]) -> None:
    small = b"x" * (SMALL // 2)
    assert max(cost(work, small * FACTOR) / cost(work, small) for _ in range(3)) > QUADRATIC / 2
