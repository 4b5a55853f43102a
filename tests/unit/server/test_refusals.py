import pytest

from flasgo.server.refusals import ADVICE, refusal


@pytest.mark.parametrize("status", ADVICE)
def test_a_refusal_is_a_complete_answer(status):
    head, _, body = refusal(status, [(b"date", b"today")]).partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert dict(field.split(b": ") for field in fields) == {
        b"date": b"today",
        b"content-type": b"text/plain; charset=utf-8",
        b"content-length": str(len(body)).encode(),
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
        b"connection": b"close",
    }
    assert body == ADVICE[status].encode() + b"\n"


def test_the_phrase_is_the_standards():
    assert refusal(431, []).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
