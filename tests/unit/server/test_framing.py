import pytest

from flasgo.server.framing import CHUNKED, HTTP_1_0, REQUEST_LINE, body_length, is_no_head, origin_form
from flasgo.server.refusals import Refused

HOST = (b"host", b"x")


def length(*fields, http_1_0=False):
    headers = [HOST, *fields]
    return body_length(headers, dict(headers), http_1_0=http_1_0)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], 0),
        ([(b"content-length", b"0")], 0),
        ([(b"content-length", b"007 \t")], 7),
        ([(b"content-length", b"9" * 18)], 10**18 - 1),
        ([(b"transfer-encoding", b"Chunked ")], CHUNKED),
        ([(b"cookie", b"a=b"), (b"cookie", b"c=d"), (b"content-length", b"3")], 3),
    ],
)
def test_the_length_of_a_body(fields, expected):
    assert length(*fields) == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([(b"content-length", b"1"), (b"content-length", b"1")], "repeated-field"),
        ([(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], "repeated-field"),
        ([HOST], "repeated-field"),
        ([(b"content-length", b"1"), (b"transfer-encoding", b"chunked")], "transfer-encoding"),
        ([(b"transfer-encoding", b"gzip, chunked")], "transfer-encoding"),
        ([(b"transfer-encoding", b"")], "transfer-encoding"),
        ([(b"content-length", b"")], "content-length"),
        ([(b"content-length", b"+1")], "content-length"),
        ([(b"content-length", b"1, 1")], "content-length"),
        ([(b"content-length", b"1_0")], "content-length"),
        ([(b"content-length", "٣".encode())], "content-length"),
        ([(b"content-length", b"1" + b"0" * 18)], "content-length"),
    ],
)
def test_lengths_that_nobody_should_have_to_guess(fields, reason):
    with pytest.raises(Refused) as refused:
        length(*fields)
    assert (refused.value.status, refused.value.reason) == (400, reason)


def test_http_1_0_knows_no_chunks():
    assert length((b"content-length", b"3"), http_1_0=True) == 3
    with pytest.raises(Refused):
        length((b"transfer-encoding", b"chunked"), http_1_0=True)


@pytest.mark.parametrize(
    ("line", "form"),
    [
        (b"GET / HTTP/1.1\r\n", None),
        (b'\r\nM-SEARCH /a?b=%20|{}^`"<> HTTP/1.1\r\nHost', None),
        (b"OPTIONS * HTTP/1.1\r\n", None),
        (b"GET HTTPS://x:1/ HTTP/1.1\r\n", 1),
        (b"GET / HTTP/1.0\r\n", HTTP_1_0),
        (b"GET http://x HTTP/1.0\r\n", HTTP_1_0),
    ],
)
def test_request_lines(line, form):
    found = REQUEST_LINE.match(line)
    assert found is not None
    assert found.lastindex == form


@pytest.mark.parametrize(
    "start",
    [
        b"\r", b"\r\n", b"\r\nG", b"G", b"GET", b"GET ", b"GET /a?b", b"GET / HT", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r", b"GET http://x HTTP/1.0\r\nHost", b"A" * 32,
    ],
)  # fmt: skip
def test_what_can_still_become_a_head(start):
    assert not is_no_head(start)


@pytest.mark.parametrize(
    "start",
    [
        b"\n", b"\r\r", b"\r\n\n", b" GET", b"g", b"GET\t", b"GET  / HTTP", b"GET /#", b"GET / X", b"GET / HTTP/1.1 ",
        b"GET / HTTP/1.1\n", b"GET / HTTP/2.0\r\n", b"GET / RTSP/1.0\r\n", b"GET / HTTP/1.1\r\nHost: x\n", b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\nHost: x\rY", b"GET /\xff", b"A" * 33, b"PRI * HTTP/2.0\r\n", b"CONNECT x:1 HTTP/1.1\r\n",
    ],
)  # fmt: skip
def test_what_can_become_no_head_any_more(start):
    assert is_no_head(start)


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        (b"http://x/a?b", b"x", b"/a?b"),
        (b"http://X:80", b"x:80 ", b"/"),
        (b"https://[::1]?b", b"[::1]", b"/?b"),
        (b"http://x//y", b"x", b"//y"),
    ],
)
def test_absolute_targets(target, host, expected):
    assert origin_form(target, host) == expected


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (b"http://x/", None),
        (b"http://x/", b"y"),
        (b"http://x/", b""),
        (b"http://x:80/", b"x"),
        (b"http://u@x/", b"x"),
        (b"http:///", b""),
        (b"http://?a", b""),
    ],
)
def test_the_authority_of_a_target_is_the_host(target, host):
    with pytest.raises(Refused) as refused:
        origin_form(target, host)
    assert (refused.value.status, refused.value.reason) == (400, "authority")
