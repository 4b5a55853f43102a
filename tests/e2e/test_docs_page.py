"""The page of the documentation in a real browser, with no network but the application's own server."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Literal

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

APP = dedent(
    """
    from typing import Annotated, Generic, TypeVar

    from msgspec import Meta, Struct

    from flasgo import Created, Flasgo, Form, Problem, Request, UploadedFile


    class NewBook(Struct):
        title: Annotated[str, Meta(min_length=1, max_length=80, examples=["Moby Dick"])]
        pages: Annotated[int, Meta(ge=1)] = 1


    class Book(NewBook, kw_only=True):
        id: int


    class Cover(Struct):
        image: UploadedFile
        alt: str = ""


    class OutOfStock(Problem, status=409, title="Out of stock"):
        sku: str


    app = Flasgo(settings={
        "ENABLE_DOCS": True, "SECRET_KEY": "a secret of a test, and of no use elsewhere",
        "API_TITLE": "Bookshop", "API_DESCRIPTION": "Books, *typed*.", "API_TAGS": {"books": "All of the books."},
    })


    @app.get("/books/<int:id>", tags=["books"])
    async def one(id: int, verbose: bool = False) -> Book:
        return Book(title="Moby Dick", id=id)


    @app.post("/books", tags=["books"], raises=(OutOfStock,))
    async def add(body: Annotated[NewBook, Meta(description="The book.")]) -> Created[Book]:
        '''Add a book.

        It is for sale **at once**.
        '''
        return Book(title=body.title, pages=body.pages, id=7)


    class Album(Struct):
        images: list[UploadedFile]
        public: bool = False
        tags: list[str] = []
        years: list[int] = []


    @app.post("/albums", tags=["books"])
    async def album(album: Annotated[Album, Form()]) -> dict[str, int]:
        return {"images": len(album.images), "size": sum(image.size for image in album.images), "public": album.public, "tags": len(album.tags)}


    @app.post("/covers", tags=["books"])
    async def cover(cover: Annotated[Cover, Form()]) -> dict[str, int]:
        return {"size": cover.image.size}
    """
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium")]


@pytest.fixture(params=["", "/shop"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def docs(workshop, root: str) -> Iterator[Page]:
    """The page, opened; what it complains of, and where else it goes, fails the test."""
    workshop.write("app.py", APP)
    server = workshop.serve("app.py", "--no-reload", *(("--root-path", root) if root else ()))
    address = server.url.removesuffix(root)
    trouble: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.on(
            "console", lambda message: trouble.append(message.text) if message.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "request",
            lambda asked: trouble.append(asked.url) if not asked.url.startswith((address, "data:", "blob:")) else None,
        )
        if root:  # a proxy that takes the prefix away, as nginx does where proxy_pass has a path
            page.route(f"{address}{root}/**", lambda route: route.continue_(url=route.request.url.replace(root, "", 1)))
        page.goto(f"{address}{root}/docs")
        page.wait_for_selector(".opblock")
        yield page
        browser.close()
    assert trouble == []


def execute(page: Page, operation: str) -> str:
    """The answer's status that an operation's form shows after Execute."""
    block = page.locator(f"#operations-books-{operation}")
    block.locator(".execute").click()
    shown = block.locator(".live-responses-table .response .response-col_status")
    shown.wait_for()
    return shown.inner_text().split()[0]


def test_it_shows_every_operation_and_its_tries_succeed(docs: Page, tmp_path: Path):
    assert docs.title() == "Bookshop Docs"
    assert docs.locator(".opblock").count() == 4
    docs.locator("#operations-books-add_post .opblock-summary-control").click()
    assert execute(docs, "add_post") == "201"
    docs.locator("#operations-books-one_get .opblock-summary-control").click()
    docs.locator("#operations-books-one_get input[placeholder=id]").fill("3")
    verbose = docs.locator("#operations-books-one_get tr[data-param-name=verbose] select")
    assert verbose.locator("option").all_inner_texts() == ["--", "true", "false"]
    verbose.select_option("true")
    assert execute(docs, "one_get") == "200"
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"\x89PNG....")
    docs.locator("#operations-books-cover_post .opblock-summary-control").click()
    docs.locator("#operations-books-cover_post input[type=file]").set_input_files(picture)
    assert execute(docs, "cover_post") == "200"
    docs.locator("#operations-books-album_post .opblock-summary-control").click()
    album = docs.locator("#operations-books-album_post")
    images, tags = (album.locator(f"tr[data-property-name={name}]") for name in ("images", "tags"))
    for word in ("sea", "whale"):
        images.get_by_role("button", name="Add").click()
        images.locator("input[type=file]").last.set_input_files(picture)
        tags.get_by_role("button", name="Add").click()
        tags.locator("input[type=text]").last.fill(word)
        tags.locator("input[type=text]").last.blur()
    assert tags.locator("td").first.inner_text().split("\n")[-1] == "array<string> | string"  # each kind is said once
    public = album.locator("tr[data-property-name=public] select")
    assert public.locator("option").all_inner_texts() == ["--", "true", "false"]
    public.select_option("true")
    assert execute(docs, "album_post") == "200"
    answer = album.locator(".live-responses-table .response-col_description").last.inner_text()
    missing = [said for said in ('"images": 2', '"size": 16', '"public": true', '"tags": 2') if said not in answer]
    assert missing == [], answer
    docs.screenshot(path=tmp_path / "docs.png")


@pytest.mark.parametrize("root", [""])
@pytest.mark.parametrize(("width", "scheme"), [(1200, "dark"), (400, "light"), (400, "dark")])
def test_it_fits_narrow_windows_and_dark_ones(docs: Page, width: int, scheme: Literal["dark", "light"], tmp_path: Path):
    docs.set_viewport_size({"width": width, "height": 900})
    docs.emulate_media(color_scheme=scheme)
    docs.locator("#operations-books-add_post .opblock-summary-control").click()
    assert execute(docs, "add_post") == "201"
    assert docs.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    docs.screenshot(path=tmp_path / "docs.png", full_page=True)
