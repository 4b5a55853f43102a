import os

import pytest

from flasgo import Flasgo, Settings, send_file, send_from_directory

MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "uploads"
    (root / "user").mkdir(parents=True)
    for path, content in (("report.txt", b"a report"), ("user/page.html", b"<script>"), (".hidden", b"hidden")):
        (root / path).write_bytes(content)
        os.utime(root / path, (1_700_000_000, 1_700_000_000))
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (root / "link").symlink_to(tmp_path / "secret.txt")
    return root


def application() -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-downloads-0123456789abcdefghijklmn", "CSRF_ENABLED": False})


def serving(function):
    app = application()
    app.add_route("/<path:name>", function, name="file")
    return app.test_client()


@pytest.mark.parametrize("threaded", [False, True])
def test_a_file_is_sent_from_any_handler(folder, threaded):
    async def asynchronous(name: str):
        return send_file(folder / name)

    def plain(name: str):
        return send_file(folder / name)

    client = serving(plain if threaded else asynchronous)
    response = client.get("/report.txt")
    assert (response.body, response.headers["content-type"]) == (b"a report", "text/plain; charset=utf-8")
    assert response.headers["last-modified"] == MODIFIED
    assert "no-store" in response.headers["cache-control"]
    assert "content-disposition" not in response.headers
    assert client.get("/report.txt", headers={"if-none-match": response.headers["etag"]}).status_code == 304
    assert client.get("/report.txt", headers={"range": "bytes=2-"}).body == b"report"


def test_an_attachment_is_saved_under_its_name_and_can_do_nothing(folder):
    client = serving(
        lambda name: send_file(folder / name, as_attachment=True, download_name="Bücher\r\n/../\u202e page.html")
    )
    response = client.get("/user/page.html")
    assert response.headers["content-disposition"] == 'attachment; filename="_ page.html"'
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_name_that_is_not_ascii_is_sent_in_both_forms(folder):
    response = serving(lambda name: send_file(folder / name, download_name='Bücher "neu".txt')).get("/report.txt")
    assert response.headers["content-disposition"] == (
        "inline; filename=\"B_cher _neu_.txt\"; filename*=UTF-8''B%C3%BCcher%20%22neu%22.txt"
    )
    assert response.headers["content-security-policy"].startswith("default-src 'self'")


def test_the_type_may_be_said(folder):
    response = serving(lambda name: send_file(folder / name, mimetype="text/x-own")).get("/report.txt")
    assert response.headers["content-type"] == "text/x-own"


@pytest.mark.parametrize(("age", "line"), [(60, "private, max-age=60"), (0, "private, no-cache")])
def test_the_visitors_own_browser_may_keep_it_for_a_while(folder, age, line):
    client = serving(lambda name: send_file(folder / name, max_age=age))
    response = client.get("/report.txt")
    assert response.headers["cache-control"] == line
    assert "pragma" not in response.headers
    again = client.get("/report.txt", headers={"if-none-match": "*"})
    assert (again.status_code, again.headers["cache-control"]) == (304, line)
    refused = client.get("/report.txt", headers={"if-match": '"other"'})
    assert (refused.status_code, "no-store" in refused.headers["cache-control"]) == (412, True)


def test_without_conditions_the_whole_is_sent_whatever_is_asked(folder):
    client = serving(lambda name: send_file(folder / name, conditional=False))
    for headers in ({"if-none-match": "*"}, {"if-match": '"x"'}, {"range": "bytes=0-1"}, {"range": "bytes=99-"}):
        response = client.get("/report.txt", headers=headers)
        assert (response.status_code, response.body) == (200, b"a report")
        assert not {"etag", "last-modified", "accept-ranges"} & set(response.headers)


def test_what_send_file_does_not_take_is_said(folder):
    with pytest.raises(TypeError, match=r"not BytesIO\. Return Response\(data"):
        import io

        send_file(io.BytesIO(b"x"))  # ty: ignore[invalid-argument-type] - on purpose
    with pytest.raises(ValueError, match="max_age=-1 is negative"):
        send_file(folder / "report.txt", max_age=-1)


def test_a_missing_file_of_send_file_is_a_mistake_of_the_program(folder, caplog):
    app = application()
    app.add_route("/", lambda: send_file(folder / "missing"), name="index")
    assert app.test_client(raise_server_exceptions=False).get("/").status_code == 500
    assert "FileNotFoundError" in caplog.text


def test_a_clients_path_stays_below_its_directory(folder):
    client = serving(lambda name: send_from_directory(folder, name))
    assert client.get("/report.txt").body == b"a report"
    assert client.get("/user/page.html").body == b"<script>"
    missing = client.get("/missing.txt")
    assert missing.status_code == 404
    for path in ("../secret.txt", "%2e%2e/secret.txt", "user/../report.txt", ".hidden", "link", "user", "report.txt%00",
                 "%5c..%5csecret.txt", "con", "report.txt.", "/report.txt", "report.txt:x", "%252e%252e/secret.txt"):  # fmt: skip
        refused = client.get(f"/{path}")
        assert (refused.status_code, refused.body) == (404, missing.body), path


def test_the_options_of_send_file_are_those_of_send_from_directory(folder):
    client = serving(
        lambda name: send_from_directory(
            str(folder), name, download_name="x.csv", as_attachment=True, mimetype="text/csv", max_age=5
        )
    )
    response = client.get("/report.txt", headers={"range": "bytes=0-0"})
    assert (response.status_code, response.body) == (206, b"a")
    assert response.headers["content-disposition"] == 'attachment; filename="x.csv"'
    assert (response.headers["content-type"], response.headers["cache-control"]) == ("text/csv", "private, max-age=5")


def test_a_file_that_becomes_a_link_before_it_is_opened_is_not_found(folder):
    """Between the look and the opening somebody who may write there could put a link."""

    def index(name: str):
        response = send_from_directory(folder, name)
        (folder / "report.txt").unlink()
        (folder / "report.txt").symlink_to(folder.parent / "secret.txt")
        return response

    response = serving(index).get("/report.txt")
    assert response.status_code == 404
    assert b"secret" not in response.body


async def test_a_server_that_takes_paths_is_given_the_path_of_a_large_file(folder, call):
    from flasgo.file_response import PIECE

    (folder / "large.bin").write_bytes(b"x" * (PIECE + 1))
    app = application()
    app.add_route("/<name>", lambda name: send_file(folder / name), name="file")
    able = {"extensions": {"http.response.pathsend": {}}}
    exchange = await call(app, "/large.bin", **able)
    assert exchange.messages[1:] == [{"type": "http.response.pathsend", "path": str(folder / "large.bin")}]
    assert exchange.headers["content-length"] == str(PIECE + 1)
    for options in (
        {"path": "/report.txt"},
        {"path": "/large.bin", "method": "HEAD"},
        {"path": "/large.bin", "headers": ((b"host", b"localhost"), (b"range", b"bytes=1-"))},
    ):
        exchange = await call(app, **able, **options)
        assert exchange.messages[1]["type"] == "http.response.body"
