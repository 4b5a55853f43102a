import asyncio
import gzip
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from flasgo import BuildError, Flasgo, FrozenError, RegistrationError, Settings, request
from flasgo.http.folders import Folder
from flasgo.staticfiles import HASHED_BYTES, SMALL, StaticFiles

SECRET = "test-static-0123456789abcdefghijklmn"
MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
SECURITY = ("x-content-type-options", "x-frame-options", "referrer-policy", "content-security-policy")
LARGE = bytes(range(256)) * (SMALL // 256 + 1)
STYLE = b"body { color: teal }\n"


def write(path: Path, content: bytes, *, at: float = 1_700_000_000.0) -> Path:
    """A file that has not changed for years."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "static"
    write(root / "app.css", STYLE)
    write(root / "js" / "app.js", b"'use strict'\n")
    write(root / "large.bin", LARGE)
    write(root / "empty.txt", b"")
    write(root / ".env", b"SECRET_KEY=1")
    write(root / ".git" / "config", b"[core]")
    write(tmp_path / "secret.txt", b"secret")
    write(tmp_path / "static-private" / "secret.txt", b"secret")
    return root


def application(folder: Path, **options: Any) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": SECRET}, static_folder=folder, **options)


def client_of(folder: Path, **options: Any):
    return application(folder, **options).test_client()


# ── what is served ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_served_with_everything_that_a_cache_wants(folder):
    response = client_of(folder).get("/static/app.css")
    assert (response.status_code, response.body) == (200, STYLE)
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert response.headers["content-length"] == str(len(STYLE))
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert response.headers["last-modified"] == MODIFIED
    assert response.headers["accept-ranges"] == "bytes"
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+"', response.headers["etag"])
    assert "pragma" not in response.headers
    assert "vary" not in response.headers
    assert all(name in response.headers for name in SECURITY)


def test_files_in_folders_empty_ones_and_large_ones_are_served(folder):
    client = client_of(folder)
    assert client.get("/static/js/app.js").headers["content-type"] == "text/javascript; charset=utf-8"
    assert (client.get("/static/empty.txt").status_code, client.get("/static/empty.txt").body) == (200, b"")
    large = client.get("/static/large.bin")
    assert (large.body, large.headers["content-length"]) == (LARGE, str(len(LARGE)))
    assert large.headers["cache-control"] == "public, max-age=3600"
    assert all(name in large.headers for name in SECURITY)


@pytest.mark.parametrize("path", ["/static/app.css", "/static/large.bin", "/static/empty.txt"])
def test_head_says_what_get_says(folder, path):
    client = client_of(folder)
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.body) == (200, b"")
    assert sorted(head.raw_headers) == sorted(get.raw_headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_files_are_for_reading(folder, method):
    response = client_of(folder).request(method, "/static/app.css")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


def test_nobody_is_given_a_cookie_for_a_file(folder):
    app = application(folder)

    @app.post("/form")
    async def form() -> str:
        return "done"

    @app.get("/page")
    async def page() -> str:
        return "page"

    client = app.test_client()
    for path in ("/static/app.css", "/static/large.bin", "/static/missing"):
        assert "set-cookie" not in client.get(path).headers, path
    assert "set-cookie" in client.get("/page").headers  # where it would be set


def test_hooks_and_hosts_are_those_of_every_route(folder):
    app = application(folder)
    seen = []
    app.before_request(lambda: seen.append(request.endpoint))

    @app.after_request
    async def mark(response):
        response.headers["x-mark"] = "1"

    client = app.test_client()
    assert client.get("/static/app.css").headers["x-mark"] == "1"
    assert client.get("/static/large.bin").headers["x-mark"] == "1"
    assert seen == ["static:/static"] * 2
    assert client.get("/static/app.css", headers={"host": "evil.example"}).status_code == 400


def test_a_hook_that_looks_at_the_session_keeps_the_file_out_of_shared_caches(folder):
    """What depends on the visitor is not public, whatever it is (CVE-2026-27205)."""
    app = application(folder)

    @app.before_request
    async def look(request):
        request.session.get("user")

    response = app.test_client().get("/static/app.css")
    assert response.headers["vary"] == "Cookie"
    assert "no-store" in response.headers["cache-control"]


def test_a_changed_file_is_sent_as_it_is_now(folder):
    client = client_of(folder)
    first = client.get("/static/app.css")
    write(folder / "app.css", STYLE.replace(b"teal", b"navy"), at=1_700_000_001)  # of the same size
    second = client.get("/static/app.css")
    assert b"navy" in second.body
    assert second.headers["etag"] != first.headers["etag"]
    (folder / "app.css").unlink()
    assert client.get("/static/app.css").status_code == 404


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files that were made a moment ago count as settled."""
    monkeypatch.setattr("flasgo.staticfiles.SETTLED_SECONDS", -1.0)


def test_a_file_that_is_kept_is_not_read_again_until_it_changes(folder, monkeypatch):
    settle(monkeypatch)
    app = application(folder)
    client = app.test_client()
    files = app._statics["static:/static"]
    assert client.get("/static/app.css").body == STYLE
    monkeypatch.setattr(files, "_load", lambda filename: pytest.fail("it was read again"))
    assert client.get("/static/app.css").body == STYLE
    assert client.get("/static/app.css", headers={"range": "bytes=0-3"}).body == STYLE[:4]
    monkeypatch.undo()
    settle(monkeypatch)
    write(folder / "app.css", b"x" * len(STYLE))
    assert client.get("/static/app.css").body == b"x" * len(STYLE)
    (folder / "app.css").unlink()
    assert client.get("/static/app.css").status_code == 404


def test_a_kept_file_that_becomes_a_link_out_of_the_folder_is_not_served(folder, monkeypatch):
    settle(monkeypatch)
    client = client_of(folder)
    assert client.get("/static/app.css").status_code == 200
    (folder / "app.css").unlink()
    (folder / "app.css").symlink_to(folder.parent / "secret.txt")
    assert client.get("/static/app.css").status_code == 404


def test_a_file_of_a_moment_ago_is_not_kept(folder):
    """A clock of a file system has ticks: within one, a second change leaves time and size as they are."""
    app = application(folder)
    (folder / "fresh.txt").write_bytes(b"fresh")
    assert app.test_client().get("/static/fresh.txt").body == b"fresh"
    assert app._statics["static:/static"]._kept == {}


def test_what_is_kept_has_a_bound(folder, monkeypatch):
    settle(monkeypatch)
    monkeypatch.setattr("flasgo.staticfiles.KEPT_BYTES", 20_000)
    app = application(folder)
    client = app.test_client()
    for number in range(12):
        write(folder / f"{number}.txt", b"x" * 2000)
        assert client.get(f"/static/{number}.txt").status_code == 200
    files = app._statics["static:/static"]
    assert list(files._kept) == ["8.txt", "9.txt", "10.txt", "11.txt"]
    assert files._bytes == sum(kept.size for kept in files._kept.values()) <= 20_000


# ── what is not ─────────────────────────────────────────────────────────────────────────────────────────────────────

REFUSED = [
    "",
    "/",
    "missing.txt",
    "js",
    "js/",
    ".env",
    ".git/config",
    "js/../app.css",
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "../static-private/secret.txt",
    "./app.css",
    "js/./app.js",
    "js//app.js",
    "/app.css",
    "//app.css",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "..%5csecret.txt",
    "js%5capp.js",
    "%5c%5chost%5cshare",
    "//host/share",
    "C:/app.css",
    "app.css:stream",
    "app.css::$DATA",
    "app.css%00",
    "app.css%00.png",
    "%00/app.css",
    "app.css%0a",
    "app.css%0d%0aset-cookie:a=b",
    "app.css%7f",
    "app.css%c2%85",
    "app.css%20",
    "app.css.",
    "app.css...",
    "js%20/app.js",
    "js./app.js",
    "CON",
    "con.txt",
    "js/NUL.tar.gz",
    "aux%20.txt",
    "lpt1",
    "COM%C2%B9.css",
    "nul./app.css",
    "%ff",
    "app.css%ff",
    "%c0%ae%c0%ae/secret.txt",
    "%ed%b3%bf",
    "%252e%252e/secret.txt",
    "x" * 256,
    "é" * 128,
    "js/" + "x" * 256 + "/app.js",
    "/".join(["x" * 200] * 30),
]


@pytest.mark.parametrize("path", REFUSED)
def test_whatever_is_refused_is_one_and_the_same_404(folder, path):
    client = client_of(folder)
    missing = client.get("/static/no-such-file")
    response = client.get(f"/static/{path}") if path else missing
    assert response.status_code == 404
    if path not in {"", "/"}:
        assert response.body == missing.body
        assert sorted(response.raw_headers) == sorted(missing.raw_headers)
    assert "no-store" in response.headers["cache-control"]


def test_a_hostile_path_with_a_name_that_is_there_is_refused_all_the_same(folder):
    """These would be found, if they were looked up."""
    for name in ("con.txt", "a:b", "dot.", "space ", "back\\slash", "line\nbreak", "\udcff", "\ufffd"):
        write(folder / name, b"secret")
    client = client_of(folder)
    for path in ("con.txt", "a:b", "dot.", "space%20", "back%5cslash", "line%0abreak", "%ff", "a%3ab"):
        assert client.get(f"/static/{path}").status_code == 404, path
    assert client.get("/static/%ef%bf%bd").body == b"secret"  # U+FFFD itself is a character like any other


def test_links_may_lead_about_in_the_folder_but_not_out_of_it(folder, tmp_path):
    (folder / "link.css").symlink_to("app.css")
    (folder / "scripts").symlink_to("js")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "sibling").symlink_to(tmp_path / "static-private")
    (folder / "round").symlink_to("round")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "itself").symlink_to(".")
    client = client_of(folder)
    assert client.get("/static/link.css").body == STYLE
    assert client.get("/static/scripts/app.js").status_code == 200
    assert client.get("/static/itself/app.css").status_code == 200
    for path in ("out.txt", "up/secret.txt", "sibling/secret.txt", "round", "dangling", "itself"):
        assert client.get(f"/static/{path}").status_code == 404, path


def test_the_folder_itself_may_be_a_link_that_is_changed_by_a_release(folder, tmp_path):
    current = tmp_path / "current"
    current.symlink_to(folder)
    client = client_of(current)
    assert client.get("/static/app.css").body == STYLE
    other = tmp_path / "next"
    write(other / "app.css", b"next")
    current.unlink()
    current.symlink_to(other)
    assert client.get("/static/app.css").body == b"next"


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
async def test_what_is_no_regular_file_is_not_waited_for(folder, call):
    os.mkfifo(folder / "fifo")
    async with asyncio.timeout(5):
        exchange = await call(application(folder), "/static/fifo")
    assert exchange.status == 404


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_404(folder):
    (folder / "app.css").chmod(0)
    assert client_of(folder).get("/static/app.css").status_code == 404


def test_a_path_never_reaches_a_route_that_it_only_looks_like(folder):
    app = application(folder)

    @app.get("/admin")
    async def admin() -> str:
        return "admin"

    client = app.test_client()
    assert client.get("/admin").text == "admin"
    for path in ("/admin%0a", "/admin;x", "//admin", "/admin%00", "/admin%20", "/./admin", "/x/../admin", "/admin/.",
                 "/%2fadmin", "/ADMIN", "/admin%3b", "/static/../admin", "/static/..;/admin", "/admin%ff"):  # fmt: skip
        assert client.get(path).text != "admin", path


# ── conditions and ranges ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/static/app.css", "/static/large.bin"])
@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({"if-none-match": "{etag}"}, 304),
        ({"if-none-match": "W/{etag}"}, 304),
        ({"if-none-match": '"other", {etag}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-modified-since": MODIFIED}, 304),
        ({"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-match": "{etag}"}, 200),
        ({"if-unmodified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 412),
        ({"range": "bytes=0-3"}, 206),
        ({"range": "bytes=0-3", "if-range": "{etag}"}, 206),
        ({"range": "bytes=0-3", "if-range": '"other"'}, 200),
        ({"range": "bytes=0-3", "if-none-match": "{etag}"}, 304),
        ({"range": "bytes=99999999-"}, 416),
    ],
)
def test_conditions_and_ranges_are_answered(folder, path, conditions, status):
    client = client_of(folder)
    whole = client.get(path)
    etag = whole.headers["etag"]
    response = client.get(path, headers={name: value.format(etag=etag) for name, value in conditions.items()})
    assert response.status_code == status
    refused = response.body if status >= 400 else b""
    assert response.body == {200: whole.body, 206: whole.body[:4]}.get(status, refused)
    assert bool(refused) is (status >= 400)
    assert response.headers["etag"] == etag
    assert all(name in response.headers for name in SECURITY)
    if status in {200, 206, 304}:
        assert response.headers["cache-control"] == "public, max-age=3600"
    else:
        assert len(response.headers.getlist("cache-control")) == 1
        assert "no-store" in response.headers["cache-control"]
        assert "public" not in response.headers["cache-control"]
    assert ("content-type" in response.headers) is (status != 304)


@pytest.mark.parametrize("path", ["/static/app.css", "/static/large.bin"])
def test_several_ranges_are_parts_of_one_answer(folder, path):
    client = client_of(folder)
    whole = client.get(path)
    response = client.get(path, headers={"range": "bytes=10-13,0-1,-2"})
    assert response.status_code == 206
    boundary = response.headers["content-type"].removeprefix("multipart/byteranges; boundary=")
    kind, size = whole.headers["content-type"], len(whole.body)
    parts = [(10, 14), (0, 2), (size - 2, size)]
    expected = b"\r\n".join(
        f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {start}-{stop - 1}/{size}\r\n\r\n".encode()
        + whole.body[start:stop]
        for start, stop in parts
    )
    assert response.body == expected + f"\r\n--{boundary}--\r\n".encode()
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    "value",
    ["bytes=0-1,1-2", "bytes=" + ",".join(f"{n}-{n}" for n in range(11)), "bytes=0-0," * 200, "items=0-1", "bytes=2-1"],
)
def test_ranges_that_overlap_or_are_too_many_give_the_whole(folder, value):
    response = client_of(folder).get("/static/app.css", headers={"range": value})
    assert (response.status_code, response.body) == (200, STYLE)


# ── compressed files ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def compressed(folder: Path) -> Path:
    write(folder / "app.css.gz", gzip.compress(STYLE, mtime=0))
    write(folder / "app.css.br", b"brotli")
    write(folder / "app.css.zst", b"zstandard")
    write(folder / "js" / "app.js.gz", gzip.compress(b"'use strict'\n"))
    return folder


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("zstd, gzip", "zstd"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("*", "br"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, *", "zstd"),
        ("gzip; q=0.001", "gzip"),
        ("gzip;q=0", None),
        ("identity", None),
        ("deflate", None),
        ("", None),
        ("nonsense;;,,", None),
        ("gzip" + " " * 1100, None),
    ],
)
def test_a_compressed_sibling_is_sent_to_whom_it_suits(compressed, accepted, coding):
    response = client_of(compressed).get("/static/app.css", headers={"accept-encoding": accepted})
    assert response.headers.get("content-encoding") == coding
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert response.headers["vary"] == "Accept-Encoding"
    expected = {"br": b"brotli", "zstd": b"zstandard", "gzip": gzip.compress(STYLE, mtime=0), None: STYLE}[coding]
    assert response.body == expected


def test_each_form_has_an_etag_of_its_own(compressed):
    for suffix in ("", ".br", ".zst", ".gz"):
        write(compressed / f"same.css{suffix}", b"1234")
    client = client_of(compressed)
    accepted = ("identity", "br", "zstd", "gzip")
    etags = {client.get("/static/same.css", headers={"accept-encoding": one}).headers["etag"] for one in accepted}
    assert len(etags) == 4
    for one in accepted:
        etag = client.get("/static/same.css", headers={"accept-encoding": one}).headers["etag"]
        again = client.get("/static/same.css", headers={"accept-encoding": one, "if-none-match": etag})
        assert again.status_code == 304
        assert again.headers["vary"] == "Accept-Encoding"


def test_ranges_are_of_the_form_that_is_sent(compressed):
    headers = {"accept-encoding": "br", "range": "bytes=0-2"}
    response = client_of(compressed).get("/static/app.css", headers=headers)
    assert (response.status_code, response.body, response.headers["content-encoding"]) == (206, b"bro", "br")


def test_a_sibling_that_is_older_than_its_file_is_of_something_else(compressed):
    write(compressed / "app.css.br", b"old", at=1_600_000_000)
    response = client_of(compressed).get("/static/app.css", headers={"accept-encoding": "br, gzip"})
    assert response.headers["content-encoding"] == "gzip"


def test_a_sibling_may_be_large_and_may_come_change_and_go(compressed, monkeypatch):
    settle(monkeypatch)
    client = client_of(compressed)
    headers = {"accept-encoding": "br"}
    assert client.get("/static/app.css", headers=headers).body == b"brotli"
    write(compressed / "app.css.br", LARGE)
    response = client.get("/static/app.css", headers=headers)
    assert (response.body, response.headers["content-encoding"]) == (LARGE, "br")
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["etag"].endswith('-br"')
    (compressed / "app.css.br").unlink()
    assert client.get("/static/app.css", headers=headers).body == STYLE
    write(compressed / "app.css.br", b"again")
    assert client.get("/static/app.css", headers={"accept-encoding": "br"}).body == b"again"


def test_a_sibling_that_changes_in_place_is_not_sent_with_the_old_tag(compressed, monkeypatch):
    settle(monkeypatch)
    client = client_of(compressed)
    headers = {"accept-encoding": "br"}
    before = client.get("/static/app.css", headers=headers)
    write(compressed / "app.css.br", b"BROTLI", at=1_700_000_009)
    after = client.get("/static/app.css", headers=headers)
    assert after.headers["etag"] != before.headers["etag"]
    assert after.body in {b"BROTLI", STYLE}


def test_a_sibling_that_leads_out_of_the_folder_is_none(folder, tmp_path):
    (folder / "app.css.br").symlink_to(tmp_path / "secret.txt")
    response = client_of(folder).get("/static/app.css", headers={"accept-encoding": "br"})
    assert response.body == STYLE


def test_a_compressed_file_may_be_asked_for_itself(compressed):
    response = client_of(compressed).get("/static/app.css.gz", headers={"accept-encoding": "gzip"})
    assert response.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in response.headers


# ── URLs with a hash ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["app.css", "large.bin"])
def test_the_url_of_a_file_has_the_hash_of_its_content_and_is_cached_for_a_year(folder, name):
    app = application(folder)
    client = app.test_client()
    url = app.url_for("static", filename=name)
    assert re.fullmatch(rf"/static/{name}\?v=[0-9a-f]{{16}}", url)
    response = client.get(url)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    write(folder / name, b"other", at=1_700_000_002)
    assert app.url_for("static", filename=name) != url
    assert client.get(app.url_for("static", filename=name)).headers["cache-control"].endswith("immutable")


@pytest.mark.parametrize("name", ["app.css", "large.bin"])
def test_a_hash_of_another_release_never_fills_a_cache(folder, name):
    """A page of the next release may reach a server of the last one while they are exchanged."""
    response = client_of(folder).get(f"/static/{name}?v=0123456789abcdef")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("query", ["v=1", "x=1", "v=0123456789ABCDEF", "v=0123456789abcdef&x=1", "%ff"])
def test_another_query_means_nothing(folder, query):
    response = client_of(folder, static_cache_max_age=60).get(f"/static/app.css?{query}")
    assert response.headers["cache-control"] == "public, max-age=60"


def test_a_url_that_has_no_hash_is_a_url_all_the_same(folder):
    app = application(folder)
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(HASHED_BYTES + 1)
    assert app.url_for("static", filename="missing.css") == "/static/missing.css"
    assert app.url_for("static", filename="huge.bin") == "/static/huge.bin"
    assert app.url_for("static", filename="app.css", v="mine") == "/static/app.css?v=mine"
    response = app.test_client().get("/static/huge.bin?v=0123456789abcdef", headers={"range": "bytes=0-0"})
    assert response.headers["cache-control"] == "no-cache"
    with pytest.raises(BuildError):
        app.url_for("static", filename="../secret.txt")
    with pytest.raises(BuildError, match="<filename>"):
        app.url_for("static")


def test_the_hash_of_a_large_file_is_made_once(folder, monkeypatch):
    settle(monkeypatch)
    app = application(folder)
    url = app.url_for("static", filename="large.bin")
    monkeypatch.setattr("flasgo.staticfiles._hash_of", lambda content: pytest.fail("it was made again"))
    assert app.url_for("static", filename="large.bin") == url
    assert app.test_client().get(url).headers["cache-control"].endswith("immutable")


def test_several_directories_have_names(folder, tmp_path):
    write(tmp_path / "assets" / "logo.svg", b"<svg/>")
    app = Flasgo(settings={"SECRET_KEY": SECRET})
    app.configure_static(tmp_path / "assets", url_path="/assets", cache_max_age=86_400)
    assert app.url_for("static", filename="logo.svg").startswith("/assets/logo.svg?v=")
    app.configure_static(folder)
    assert app.url_for("static", filename="app.css").startswith("/static/app.css?v=")
    assert app.url_for("static:/assets", filename="logo.svg").startswith("/assets/logo.svg?v=")
    client = app.test_client()
    assert client.get("/assets/logo.svg").headers["cache-control"] == "public, max-age=86400"
    assert client.get("/assets/logo.svg").headers["content-type"] == "image/svg+xml"
    assert client.get("/assets/app.css").status_code == 404
    assert [route.name for route in app.routes] == ["static:/assets", "static:/static"]


def test_a_route_of_ones_own_may_be_named_static(folder):
    app = application(folder)

    @app.get("/mine")
    async def static() -> str:
        return "mine"

    assert app.url_for("static") == "/mine"
    assert app.url_for("static:/static", filename="app.css").startswith("/static/app.css?v=")


def test_files_may_lie_at_the_root_beside_routes(folder):
    app = application(folder, static_url_path="/")

    @app.get("/js/app.js")
    async def route() -> str:
        return "the route"

    client = app.test_client()
    assert client.get("/app.css").body == STYLE
    assert client.get("/js/app.js").text == "the route"
    assert client.get("/").status_code == 404
    assert client.get("//app.css").status_code == 404
    assert app.url_for("static", filename="app.css").startswith("/app.css?v=")


def test_urls_begin_with_the_path_under_which_the_application_is_mounted(folder):
    app = application(folder)

    @app.get("/page")
    async def page() -> str:
        return app.url_for("static", filename="app.css")

    client = app.test_client(root_path="/mounted")
    url = client.get("/page").text
    assert url.startswith("/mounted/static/app.css?v=")


# ── registration ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_directory_that_is_not_there_is_said_at_once(tmp_path):
    with pytest.raises(RegistrationError, match=r"There is no directory '.*/nowhere' for static files\. Create it"):
        application(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="There is no directory"):
        application(write(tmp_path / "file", b""))


@pytest.mark.parametrize(
    "url_path", ["", "static", "/static/", "//static", "/a//b", "/../x", "/a/.", "/<x>", "/a?b", "/a#b"]
)
def test_a_url_path_that_is_none_is_said_at_once(folder, url_path):
    with pytest.raises(RegistrationError, match="url_path="):
        application(folder, static_url_path=url_path)


@pytest.mark.parametrize("age", [-1, True, 1.5, "60", 10**9])
def test_an_age_that_is_none_is_said_at_once(folder, age):
    with pytest.raises(RegistrationError, match="cache_max_age="):
        application(folder, static_cache_max_age=age)


def test_two_directories_at_one_place_are_refused(folder):
    app = application(folder)
    with pytest.raises(RegistrationError, match="give another url_path"):
        app.configure_static(folder.parent)


def test_it_is_too_late_after_the_first_request(folder):
    app = application(folder)
    app.test_client().get("/static/app.css")
    with pytest.raises(FrozenError, match="a static directory was registered after"):
        app.configure_static(folder, url_path="/more")


def test_a_relative_directory_is_found_where_the_program_is_started(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    client = client_of(Path("static"))
    monkeypatch.chdir("/")
    assert client.get("/static/app.css").body == STYLE
    shutil.rmtree(folder)
    assert client.get("/static/app.css").status_code == 404
    assert "static" in repr(application(folder.parent)._statics["static:/static"])


# ── files that change while they are asked for ──────────────────────────────────────────────────────────────────────


def test_a_large_file_that_goes_before_it_is_opened_is_not_found(folder):
    app = application(folder)

    @app.after_request
    async def remove(response):
        (folder / "large.bin").unlink(missing_ok=True)

    assert app.test_client().get("/static/large.bin").status_code == 404


def test_a_sibling_that_goes_meanwhile_is_passed_over(compressed, monkeypatch):
    app = application(compressed)
    files = app._statics["static:/static"]
    kept = files._find("app.css")
    (compressed / "app.css.br").unlink()
    assert files._coded("app.css", kept, ("br",)) is kept.plain
    write(compressed / "app.css.gz", b"other", at=1_700_000_050)
    assert files._coded("app.css", kept, ("br", "gzip")).body == b"other"
    write(compressed / "app.css.zst", b"old", at=1_600_000_000)
    assert files._coded("app.css", kept, ("zstd",)).body == STYLE


def test_a_file_that_is_written_to_while_it_is_read_is_not_kept_half(folder, monkeypatch):
    settle(monkeypatch)
    opened = Folder.open

    def growing(self, path):
        monkeypatch.setattr(Folder, "open", opened)
        file = opened(self, path)
        write(folder / path, STYLE + b"more")
        return file

    client = client_of(folder)
    monkeypatch.setattr(Folder, "open", growing)
    assert client.get("/static/app.css").body == STYLE + b"more"
    assert client.get("/static/app.css").body == STYLE + b"more"


def test_a_file_that_grows_while_it_is_read_is_not_kept(folder, monkeypatch):
    settle(monkeypatch)
    opened = Folder.open

    class Growing:
        """A file to which somebody writes when it has been looked at, and is read only then."""

        def __init__(self, path, file):
            self.path, self.file, self.fileno = path, file, file.fileno

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def read(self, size):
            with self.path.open("ab") as file:
                file.write(b"more")
            return self.file.read(size)

    [files] = [route.endpoint for route in application(folder).routes if isinstance(route.endpoint, StaticFiles)]
    monkeypatch.setattr(Folder, "open", lambda self, path: Growing(folder / path, opened(self, path)))
    assert files._form("app.css", "").body is None
    monkeypatch.setattr(Folder, "open", opened)
    assert files._form("app.css", "").body == STYLE + b"more"
