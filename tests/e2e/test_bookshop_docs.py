"""The bookshop's documentation in a real browser: whoever has a token changes the shop from there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
BOOKSHOP = Path(__file__).parents[2] / "examples" / "bookshop" / "app.py"

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

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium")]


@pytest.fixture
def docs(workshop) -> Iterator[Page]:
    """The page, opened; what it complains of, and where else it goes, fails the test."""
    server = workshop.serve(str(BOOKSHOP))
    trouble: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.on(
            "console",
            lambda message: trouble.append(message.text) if message.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                trouble.append(asked.url) if not asked.url.startswith((server.url, "data:", "blob:")) else None
            ),
        )
        page.goto(server.url)
        page.wait_for_selector(".opblock")
        yield page
        browser.close()
    assert trouble == []


def tried(page: Page, method: str, summary: str) -> Locator:
    operation = page.locator(f".opblock-{method}", has_text=summary).first
    operation.locator(".opblock-summary-control").click()
    operation.locator(".execute").wait_for()
    return operation


def answer_to(operation: Locator) -> tuple[str, str]:
    operation.locator(".execute").click()
    shown = operation.locator(".live-responses-table .response")
    shown.wait_for()
    status = shown.locator(".response-col_status").inner_text().split()[0]
    return status, shown.locator(".response-col_description").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_dialogue_that_asks_for_the_token_is_in_sight(docs: Page, scheme: Literal["light", "dark"]):
    docs.emulate_media(color_scheme=scheme)
    docs.set_viewport_size({"width": 390, "height": 800})
    docs.locator("button.authorize").first.click()
    dialogue = docs.locator(".modal-ux").bounding_box()
    assert dialogue is not None
    assert dialogue["x"] >= 0
    assert dialogue["x"] + dialogue["width"] <= 390
    assert dialogue["y"] >= 0
    assert dialogue["y"] + dialogue["height"] <= 800


def test_the_shopkeeper_adds_a_book_and_its_cover_with_her_token(docs: Page, tmp_path: Path):
    assert docs.locator(".opblock").count() == 17
    docs.locator("button.authorize").first.click()
    docs.locator(".modal-ux input[type=text]").fill("token-of-eve")
    docs.locator(".modal-ux button.authorize").click()
    docs.locator(".modal-ux button.btn-done").click()

    status, shown = answer_to(tried(docs, "post", "Put a new book on the shelf"))
    assert status == "201"
    assert '"title": "Northanger Abbey"' in shown

    picture = tmp_path / "cover.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n and the rest of a picture")
    cover = tried(docs, "put", "Give a book its cover")
    cover.locator("input[placeholder=id]").fill("4")
    cover.locator("input[type=file]").set_input_files(picture)
    status, shown = answer_to(cover)
    assert status == "200"
    assert '"cover": "/books/4/cover"' in shown
