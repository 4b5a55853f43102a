import pytest

from flasgo.server.refusals import ADVICE, fields_by_scheme, refusal
from flasgo.settings import load_settings


@pytest.mark.parametrize("status", ADVICE)
def test_a_refusal_is_a_complete_answer(status):
    head, _, body = refusal(status, [(b"date", b"today")]).partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert dict(field.split(b": ") for field in fields) == {
        b"date": b"today",
        b"content-type": b"text/plain; charset=utf-8",
        b"content-length": str(len(body)).encode(),
        b"connection": b"close",
    }
    assert body == ADVICE[status].encode() + b"\n"


def test_the_phrase_is_the_standards():
    assert refusal(431, []).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


def test_it_is_said_what_the_application_says_of_its_errors():
    said = fields_by_scheme(load_settings({"SECURITY_HEADERS": {"x-a": "1", "strict-transport-security": "max-age=1"}}))
    no_store = [b"cache-control", b"pragma", b"expires"]
    assert [name for name, _ in said["http"]] == [b"x-a", *no_store]
    assert [name for name, _ in said["https"]] == [b"x-a", b"strict-transport-security", *no_store]
    assert (b"cache-control", b"no-store, no-cache, must-revalidate, max-age=0") in said["http"]


def test_of_an_application_that_is_none_of_ours_little_is_said():
    said = fields_by_scheme(None)
    assert (
        dict(said["http"])
        == dict(said["https"])
        == {b"cache-control": b"no-store", b"x-content-type-options": b"nosniff"}
    )
