from typing import Any

import pytest

from flasgo.errors import MalformedRequest
from flasgo.events import SecurityLog
from flasgo.request import Request
from flasgo.security.framing import Framing

STAGE = Framing(log=SecurityLog(enabled=True))
CHUNKED = (b"transfer-encoding", b"chunked")


def check(*fields: tuple[bytes, bytes], **parts: Any) -> None:
    async def receive() -> Any:
        raise AssertionError

    STAGE.check(Request.of({"type": "http", "method": "GET", "path": "/", "headers": list(fields), **parts}, receive))


@pytest.mark.parametrize("parts", [{}, {"http_version": "1.1"}, {"http_version": "2"}])
def test_transfer_encoding_alone_is_let_pass(parts):
    check(CHUNKED, **parts)
    check((b"transfer-encoding", b" Chunked\t"), (b"x", b"1"), (b"x", b"2"), **parts)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ([CHUNKED, (b"content-length", b"0")], {}),
        ([(b"content-length", b"0"), CHUNKED], {"http_version": "1.1"}),
        ([CHUNKED, CHUNKED], {}),
        ([CHUNKED], {"http_version": "1.0"}),
        ([(b"transfer-encoding", b"xchunked")], {}),
        ([(b"transfer-encoding", b"Xchunked")], {}),
        ([(b"transfer-encoding", b"gzip, chunked")], {}),
        ([(b"transfer-encoding", b"identity")], {}),
        ([(b"transfer-encoding", b"")], {}),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_and_logged_and_ends_the_connection(fields, parts, caplog):
    with pytest.raises(MalformedRequest) as refused:
        check(*fields, **parts)
    assert refused.value.headers["connection"] == "close"
    assert [record.__dict__["fields"]["reason"] for record in caplog.records] == ["transfer-encoding"]


def test_it_is_the_same_for_every_route_and_refuses_with_400():
    assert STAGE.compile(None) is STAGE.compile(None)
    assert [kind.default_status for kind in STAGE.rejections(None)] == [400]
