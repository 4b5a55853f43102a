"""The blog, driven by the test client."""

import re
from functools import partial
from pathlib import Path

import pytest

from flasgo import Flasgo, TestClient, TestResponse, hash_password, verify_password
from flasgo.auth import Scrypt
from flasgo.cli.command import main

from . import accounts
from .app import create_app
from .settings import BlogSettings

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffff3f0005fe02fea7d6a90d"
    "0000000049454e44ae426082"
)
PASSWORD = "four odd words here"  # noqa: S105 - of a test

Blog = Flasgo[BlogSettings]


@pytest.fixture(autouse=True)
def fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real ones cost a quarter of a second each."""
    hasher = Scrypt(log_n=4)
    monkeypatch.setattr(accounts, "hash_password", partial(hash_password, hasher=hasher))
    monkeypatch.setattr(accounts, "verify_password", partial(verify_password, hasher=hasher))


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    settings = BlogSettings(BLOG_DATA=str(tmp_path / "data"), SESSION_COOKIE_SECURE=False, CSRF_COOKIE_SECURE=False)
    return create_app(settings)


class Visitor:
    """A browser: follows redirects, and sends a form with what its page has hidden in it."""

    def __init__(self, blog: Blog) -> None:
        self.client: TestClient = blog.test_client(headers={"origin": "http://localhost", "accept": "text/html"})

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, follow_redirects=True)

    def submit(
        self, page: str, fields: dict[str, str], *, picture: bytes | None = None, to: str | None = None
    ) -> TestResponse:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        data = {**fields, "csrf_token": found[1] if found else ""}
        files = None if picture is None else {"picture": ("../me.html", picture, "text/html")}
        return self.client.post(to or page, data=data, files=files, follow_redirects=True)

    def register(self, name: str) -> TestResponse:
        return self.submit("/account/register", {"name": name, "password": PASSWORD})

    def write(self, title: str, *, picture: bytes | None = None) -> TestResponse:
        fields = {"title": title, "body": "One.\n\n<Two>.", "picture_text": "A dot"}
        return self.submit("/posts/new", fields, picture=picture)


@pytest.fixture
def ada(blog: Blog) -> Visitor:
    """An author who is logged in."""
    visitor = Visitor(blog)
    assert "Welcome, ada." in visitor.register("ada").text
    return visitor


@pytest.fixture
def stranger(blog: Blog) -> Visitor:
    return Visitor(blog)


def test_an_empty_blog_asks_for_a_first_post(stranger: Visitor) -> None:
    assert "Nothing is written here yet." in stranger.get("/").text


def test_a_post_is_written_read_changed_and_deleted(ada: Visitor, stranger: Visitor) -> None:
    page = ada.write("Tea & bread")
    assert "Your post is published." in page.text
    assert "<h1>Tea &amp; bread</h1>" in page.text
    assert "<p>One.</p>\n<p>&lt;Two&gt;.</p>" in page.text
    assert "Tea &amp; bread" in stranger.get("/").text

    page = ada.submit("/posts/1/edit", {"title": "Bread", "body": "Three."})
    assert "Your changes are saved." in page.text
    assert "<h1>Bread</h1>" in stranger.get("/posts/1").text

    page = ada.submit("/posts/1", {}, to="/posts/1/delete")
    assert "“Bread” is deleted." in page.text
    assert stranger.get("/posts/1").status_code == 404


def test_a_form_comes_back_with_what_was_typed_and_what_is_wrong(ada: Visitor) -> None:
    page = ada.submit("/posts/new", {"title": "", "body": "<b>typed</b>"})

    assert page.status_code == 422
    assert "&lt;b&gt;typed&lt;/b&gt;</textarea>" in page.text
    assert 'id="title-problem">Fill in this field.' in page.text
    assert 'aria-describedby="title-problem"' in page.text


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("name", "password", "problem"),
    [
        ("a", PASSWORD, "At least 2 characters."),
        ("a b", PASSWORD, "Only letters, digits, hyphens and underscores."),
        ("ADA", PASSWORD, "This name is taken: choose another."),
        ("bob", "short", "15 characters"),
    ],
)
def test_who_cannot_register_is_told_why(name: str, password: str, problem: str, stranger: Visitor) -> None:
    page = stranger.submit("/account/register", {"name": name, "password": password})

    assert page.status_code == 422
    assert problem in page.text
    assert password not in page.text


@pytest.mark.usefixtures("ada")
def test_logging_in_leads_back_to_the_page_that_asked_for_it(stranger: Visitor) -> None:
    assert stranger.client.get("/posts/new").location == "/account/login?next=/posts/new"

    wrong = stranger.submit("/account/login?next=/posts/new", {"name": "ada", "password": "not this one"})
    assert wrong.status_code == 422
    assert "Wrong name or password." in wrong.text
    unknown = stranger.submit("/account/login", {"name": "nobody", "password": "not this one"})
    assert "Wrong name or password." in unknown.text

    page = stranger.submit("/account/login?next=/posts/new", {"name": "Ada", "password": PASSWORD, "remember": "true"})
    assert "You are logged in." in page.text
    assert "A new post" in page.text
    page = stranger.submit("/", {}, to="/account/logout")
    assert "You are logged out." in page.text


@pytest.mark.usefixtures("ada")
def test_nobody_is_led_to_another_site(stranger: Visitor) -> None:
    to = "/account/login?next=https://elsewhere.example/"
    page = stranger.submit(to, {"name": "ada", "password": PASSWORD})

    assert "You are logged in." in page.text  # and the client would have raised, had it been led elsewhere
    assert "<title>Posts" in page.text


def test_only_its_author_may_change_a_post(ada: Visitor, stranger: Visitor) -> None:
    ada.write("Mine", picture=PNG)
    stranger.register("bob")

    assert stranger.get("/posts/1/edit").status_code == 403
    assert stranger.submit("/", {"title": "Yours", "body": "x"}, to="/posts/1/edit").status_code == 403
    assert stranger.submit("/", {}, to="/posts/1/delete").status_code == 403
    assert "<h1>Mine</h1>" in stranger.get("/posts/1").text


@pytest.mark.parametrize(
    "path", ["/posts/new", "/posts/1/edit", "/posts/1/delete", "/account/logout", "/account/login"]
)
def test_no_form_is_taken_without_the_token_of_its_page(path: str, ada: Visitor) -> None:
    ada.write("Mine")
    page = ada.client.post(path, data={"title": "x", "body": "x", "name": "ada", "password": PASSWORD})

    assert page.status_code == 403
    assert "You may not do that." in page.text
    assert "<h1>Mine</h1>" in ada.get("/posts/1").text


def test_a_picture_is_kept_under_another_name_shown_replaced_and_removed(
    ada: Visitor, stranger: Visitor, tmp_path: Path
) -> None:
    page = ada.write("With a picture", picture=PNG)
    address = re.search(r'<img src="(/pictures/[0-9a-f]+\.png)" alt="A dot">', page.text)
    assert address is not None
    shown = stranger.get(address[1])
    assert shown.body == PNG
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in shown.headers["content-security-policy"]

    ada.submit("/posts/1/edit", {"title": "Other", "body": "x"}, picture=b"GIF89a....")
    assert [path.suffix for path in (tmp_path / "data" / "pictures").iterdir()] == [".gif"]
    ada.submit("/posts/1/edit", {"title": "None", "body": "x", "drop_picture": "true"})
    assert list((tmp_path / "data" / "pictures").iterdir()) == []

    ada.submit("/posts/1/edit", {"title": "Again", "body": "x"}, picture=b"RIFF....WEBPVP8 ")
    assert len(list((tmp_path / "data" / "pictures").iterdir())) == 1
    ada.submit("/posts/1", {}, to="/posts/1/delete")
    assert list((tmp_path / "data" / "pictures").iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"<script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF"]
)
def test_what_is_no_picture_is_refused_whatever_it_says_of_itself(content: bytes, ada: Visitor) -> None:
    page = ada.write("With a picture", picture=content)

    assert page.status_code == 422
    assert "This is not a PNG, JPEG, GIF or WebP picture." in page.text


def test_a_picture_that_is_too_large_is_refused(ada: Visitor) -> None:
    page = ada.write("Large", picture=PNG + bytes(4_000_000))

    assert page.status_code == 413
    assert "Pictures may have 4 MB." in page.text


def test_posts_come_in_pages_the_newest_first(ada: Visitor, stranger: Visitor) -> None:
    for number in range(6):
        ada.write(f"Number {number}")
    first, second = stranger.get("/").text, stranger.get("/?page=2").text

    assert re.findall(r"Number \d", first) == ["Number 5", "Number 4", "Number 3", "Number 2", "Number 1"]
    assert re.findall(r"Number \d", second) == ["Number 0"]
    assert 'href="/?page=2"' in first
    assert "Page 2 of 2" in second
    assert stranger.get("/?page=3").status_code == 404


@pytest.mark.parametrize("path", ["/nowhere", "/posts/99", "/posts/x", "/pictures/x.png"])
def test_an_error_has_a_page_of_the_blog(path: str, stranger: Visitor) -> None:
    page = stranger.get(path)

    assert page.status_code == 404
    assert "There is no such page." in page.text
    assert "To the posts" in page.text


def test_styles_are_cached_for_a_year(stranger: Visitor) -> None:
    address = re.search(r'href="(/static/blog.css\?v=\w+)"', stranger.get("/").text)

    assert address is not None
    assert stranger.get(address[1]).headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_sample_command_adds_an_author_and_posts_once(
    stranger: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLASGO_BLOG_DATA", str(tmp_path / "data"))
    target = str(Path(__file__).with_name("app.py"))

    assert main(["cmd", target, "add-sample-posts"]) == 0
    assert "Log in as ada with the password " in capsys.readouterr().out
    assert "Bread that waits for you" in stranger.get("/").text
    assert main(["cmd", target, "add-sample-posts"]) == 2
    assert "They are there already." in capsys.readouterr().err
