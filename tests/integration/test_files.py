import asyncio
import os
import sys
import tracemalloc

import pytest

from flasgo import FileResponse, Flasgo, Settings
from flasgo.file_response import PIECE

CONTENT = bytes(range(256)) * 4


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-files-0123456789abcdefghijklmn", "CSRF_ENABLED": False, **settings})


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "data.bin"
    file.write_bytes(CONTENT)
    os.utime(file, (1_700_000_000, 1_700_000_000.5))
    return file


def serving(*arguments, **options) -> Flasgo[Settings]:
    app = application()

    @app.route("/", methods=["GET", "POST"])
    async def index():
        return FileResponse(*arguments, **options)

    return app


MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"


def test_a_file_is_sent_with_its_validators(path):
    response = serving(path).test_client().get("/")
    assert (response.status_code, response.body) == (200, CONTENT)
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-length"] == "1024"
    assert response.headers["last-modified"] == MODIFIED
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["etag"].startswith('"')
    assert "content-disposition" not in response.headers


def test_head_says_the_same_and_sends_nothing(path):
    client = serving(path).test_client()
    head = client.head("/", headers={"range": "bytes=0-9"})
    assert (head.status_code, head.body) == (200, b"")
    assert sorted(head.raw_headers) == sorted(client.get("/").raw_headers)
    assert client.head("/", headers={"if-none-match": "*"}).status_code == 304


def test_an_empty_file_is_a_file(path):
    path.write_bytes(b"")
    client = serving(path).test_client()
    response = client.get("/")
    assert (response.status_code, response.body, response.headers["content-length"]) == (200, b"", "0")
    assert client.get("/", headers={"range": "bytes=0-"}).status_code == 416


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({"if-none-match": "{etag}"}, 304),
        ({"if-none-match": "W/{etag}"}, 304),
        ({"if-none-match": '"other", {etag}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-none-match": '"other"', "if-modified-since": MODIFIED}, 200),
        ({"if-modified-since": MODIFIED}, 304),
        ({"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        ({"if-match": "{etag}"}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-match": "W/{etag}"}, 412),
        ({"if-unmodified-since": MODIFIED}, 200),
        ({"if-unmodified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 412),
        ({"if-none-match": "\x80\xff"}, 200),
    ],
)
def test_conditions_are_answered(path, conditions, status):
    client = serving(path).test_client()
    etag = client.get("/").headers["etag"]
    response = client.get("/", headers={name: value.format(etag=etag) for name, value in conditions.items()})
    assert response.status_code == status
    assert response.headers["etag"] == etag
    if status == 412:
        assert response.text == "There is another version of this by now. Get it without conditions."
        return
    assert response.headers["last-modified"] == MODIFIED
    assert response.body == (CONTENT if status == 200 else b"")
    assert response.headers.get("content-length") == {200: "1024", 304: None}[status]


@pytest.mark.parametrize("asked", [{"range": "bytes=1024-"}, {"if-match": '"other"'}])
def test_refusals_are_problem_documents_for_those_who_read_them(path, asked):
    answer = serving(path).test_client().get("/", headers={"accept": "application/json", **asked})
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["code"]) in {(416, "range_not_satisfiable"), (412, "precondition_failed")}
    assert problem["status"] == answer.status_code
    assert "nosniff" in answer.headers["x-content-type-options"]


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=1000-", (1000, 1024)),
        ("bytes=-24", (1000, 1024)),
        ("bytes=0-99999", (0, 1024)),
        ("bytes=5-5", (5, 6)),
        ("BYTES=0-0", (0, 1)),
    ],
)
def test_one_range_is_206(path, value, part):
    response = serving(path).test_client().get("/", headers={"range": value})
    start, stop = part
    assert (response.status_code, response.body) == (206, CONTENT[start:stop])
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/1024"
    assert response.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize(
    "value", ["bytes=0-4,4-5", "bytes=9-1", "bytes=a-b", "lines=0-1", "bytes=", "bytes", "bytes=" + "0-1," * 300]
)
def test_overlapping_or_malformed_ranges_are_answered_with_the_whole(path, value):
    response = serving(path).test_client().get("/", headers={"range": value})
    assert (response.status_code, response.body) == (200, CONTENT)


def test_a_range_beyond_the_end_is_416(path):
    response = serving(path).test_client().get("/", headers={"range": "bytes=1024-"})
    assert (response.status_code, "accept-ranges" in response.headers) == (416, False)
    assert response.headers["content-range"] == "bytes */1024"


def test_if_range_lets_a_range_pass_only_of_the_same_file(path):
    client = serving(path).test_client()
    etag = client.get("/").headers["etag"]
    for condition, status in ((etag, 206), (MODIFIED, 206), ('"other"', 200), (f"W/{etag}", 200), ("nonsense", 200)):
        response = client.get("/", headers={"range": "bytes=0-1", "if-range": condition})
        assert response.status_code == status, condition


def test_conditions_and_ranges_are_for_reading_alone(path):
    """A POST has been carried out by then: to say 412 or 304 would be a lie (RFC 9110 §13.2.1)."""
    client = serving(path).test_client()
    for headers in ({"if-none-match": "*"}, {"if-match": '"other"'}, {"range": "bytes=0-1"}):
        assert client.post("/", headers=headers).status_code == 200


def test_conditions_and_ranges_are_of_the_successful_answer_alone(path):
    client = serving(path, status_code=404).test_client()
    response = client.get("/", headers={"if-none-match": "*", "range": "bytes=0-1"})
    assert (response.status_code, response.body) == (404, CONTENT)


def test_a_status_without_body_sends_none(path):
    response = serving(path, status_code=204).test_client().get("/")
    assert (response.status_code, response.body) == (204, b"")


def test_the_file_is_looked_at_anew_each_time(path):
    client = serving(path).test_client()
    before = client.get("/")
    path.write_bytes(b"new")
    after = client.get("/", headers={"if-none-match": before.headers["etag"]})
    assert (after.status_code, after.body) == (200, b"new")


def test_headers_of_ones_own_are_sent_but_not_those_that_are_of_the_file(path):
    headers = {
        "x-own": "1",
        "ETag": '"mine"',
        "content-range": "bytes 0-0/1",
        "content-length": "5",
        "Last-Modified": "never",
    }
    response = serving(path, headers=headers).test_client().get("/")
    assert response.headers["x-own"] == "1"
    assert response.headers.getlist("content-length") == ["1024"]
    assert response.headers.getlist("last-modified") == [MODIFIED]
    assert response.headers["etag"] != '"mine"'
    assert "content-range" not in response.headers


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("filename", "content_type", "disposition"),
    [
        ("report.txt", "text/plain; charset=utf-8", 'inline; filename="report.txt"'),
        ("../../etc/passwd", "application/octet-stream", 'inline; filename="passwd"'),
        ("C:\\temp\\a.html", "text/html; charset=utf-8", 'inline; filename="a.html"'),
        ('a"b\\c.txt', "text/plain; charset=utf-8", 'inline; filename="c.txt"'),
        (
            'say "hi".txt',
            "text/plain; charset=utf-8",
            "inline; filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt",
        ),
        ("ü €.csv", "text/csv; charset=utf-8", "inline; filename=\"_ _.csv\"; filename*=UTF-8''%C3%BC%20%E2%82%AC.csv"),
        (
            "a\r\nset-cookie: b",
            "application/octet-stream",
            'inline; filename="a__set-cookie: b"',
        ),
        ("100%.txt", "text/plain; charset=utf-8", "inline; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("\udcff.txt", "text/plain; charset=utf-8", 'inline; filename="_.txt"'),
    ],
)
def test_a_name_is_sent_safely_and_decides_the_type(path, filename, content_type, disposition):
    response = serving(path, filename=filename).test_client().get("/")
    assert (response.status_code, response.headers["content-type"]) == (200, content_type)
    assert response.headers["content-disposition"] == disposition


def test_an_attachment_is_named_by_its_file_unless_it_is_said_otherwise(path):
    named = serving(path, as_attachment=True).test_client().get("/")
    assert named.headers["content-disposition"] == 'attachment; filename="data.bin"'
    renamed = serving(path, as_attachment=True, filename="b.txt", content_type="text/x-own").test_client().get("/")
    assert renamed.headers["content-disposition"] == 'attachment; filename="b.txt"'
    assert renamed.headers["content-type"] == "text/x-own"


# ── what is no file ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo"])
@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
async def test_what_is_no_regular_file_is_a_logged_500_at_once(call, caplog, tmp_path, kind):
    path = tmp_path / "x"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    async with asyncio.timeout(5):
        exchange = await call(serving(path))
    assert (exchange.status, exchange.body) == (500, b"Internal Server Error")
    assert exchange.headers["x-content-type-options"] == "nosniff"
    assert "FileNotFoundError" in caplog.text


def test_an_error_handler_may_say_what_a_missing_file_means(tmp_path):
    app = serving(tmp_path / "x")
    app.errorhandler(FileNotFoundError)(lambda error: ("no such file", 404))
    assert app.test_client().get("/").text == "no such file"


# ── large files ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(40 * PIECE + 5)
    return path


async def test_a_large_file_is_sent_in_pieces_with_little_memory(call, large):
    sizes = []

    async def send(message):
        if message["type"] == "http.response.body":
            sizes.append((len(message["body"]), message["more_body"]))

    await call(serving(large), send=send)  # what is loaded once is loaded
    sizes.clear()
    tracemalloc.start()
    try:
        await call(serving(large), send=send)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes == [(PIECE, True)] * 40 + [(5, False)]
    assert peak < 8 * PIECE


def test_a_large_range_is_sent_in_pieces(large):
    response = serving(large).test_client().get("/", headers={"range": f"bytes=1-{2 * PIECE}"})
    assert (response.status_code, len(response.body)) == (206, 2 * PIECE)


async def test_a_file_that_shrinks_while_it_is_sent_breaks_the_connection_off(call, caplog, large):
    """The length was promised: only a connection that ends short tells the client that it has not got it all."""
    messages = []

    async def send(message):
        messages.append(message)
        if len(messages) == 3:
            os.truncate(large, 0)

    with pytest.raises(EOFError):
        await call(serving(large), send=send)
    assert messages[-1]["more_body"] is True
    assert "response-broken-off" in caplog.text


async def test_a_file_that_shrinks_before_the_first_byte_is_a_500(call, caplog, path, monkeypatch):
    from flasgo.http.conditional import ETag
    from flasgo.http.representation import Snapshot

    monkeypatch.setattr(FileResponse, "_snapshot", lambda self, file: Snapshot(10, 0, ETag("x")))
    path.write_bytes(b"")
    exchange = await call(serving(path))
    assert exchange.status == 500
    assert "became shorter" in caplog.text


@pytest.mark.parametrize("failure", [OSError("gone"), RuntimeError("unwell")])
@pytest.mark.parametrize("at", [1, 3])
async def test_the_file_is_closed_whatever_happens(call, large, failure, at):
    """An open file that is forgotten is a ResourceWarning, which fails this test."""
    count = 0

    async def send(message):
        nonlocal count
        count += 1
        if count == at:
            raise failure

    if isinstance(failure, OSError):
        await call(serving(large), send=send)
    else:
        with pytest.raises(RuntimeError, match="unwell"):
            await call(serving(large), send=send)


async def test_a_cancelled_download_closes_the_file(call, large):
    reached = asyncio.Event()

    async def send(message):
        if message.get("more_body"):
            reached.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(call(serving(large), send=send))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
