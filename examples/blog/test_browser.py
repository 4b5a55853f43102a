"""The blog as a reader and an author see it: a real browser walks through it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_blog import PASSWORD, PNG

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
sync_api = pytest.importorskip("playwright.sync_api")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the blog is served, with an empty data folder."""
    environment = {**os.environ, "FLASGO_BLOG_DATA": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}
    command = (sys.executable, "-m", "flasgo", "run", str(Path(__file__).with_name("app.py")), "--port", "0")
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as server:
        try:
            assert server.stderr is not None
            found = None
            for line in server.stderr:
                found = re.search(r"http://127\.0\.0\.1:\d+", line)
                if found:
                    break
            assert found is not None, "the server has ended"
            yield found[0]
        finally:
            server.terminate()


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser")
def test_an_author_registers_writes_and_leaves(address: str, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    complaints: list[str] = []
    elsewhere: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith(address) or elsewhere.append(request.url))

        page.goto(address)
        page.get_by_text("Write the first post").click()
        assert "/account/login?next=/posts/new" in page.url
        page.get_by_role("main").get_by_role("link", name="Register").click()
        page.get_by_label("Name").fill("a b")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Register").click()
        assert page.locator("#name-problem").inner_text() == "Only letters, digits, hyphens and underscores."
        assert page.get_by_label("Name").input_value() == "a b"
        # The browser itself says that the answer was a 422; nothing else may be said.
        assert [text for text in complaints if "422" not in text] == []
        complaints.clear()

        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Register").click()
        assert page.get_by_role("status").inner_text() == "Welcome, ada."

        page.get_by_role("link", name="Write", exact=True).click()
        page.get_by_label("Title").fill("Tea <and> bread")
        page.get_by_label("Text").fill("One.\n\nTwo.")
        page.get_by_label("Picture", exact=True).set_input_files(picture)
        page.get_by_label("What the picture shows").fill("A dot")
        page.get_by_role("button", name="Publish").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Tea <and> bread"
        assert page.locator("article.post > p").all_inner_texts()[1:] == ["One.", "Two."]
        assert page.locator("figure img").evaluate("image => image.complete && image.naturalWidth") == 1
        assert page.evaluate("getComputedStyle(document.querySelector('.flash')).borderLeftWidth") == "4px"

        page.get_by_role("link", name="Edit").click()
        page.get_by_label("Title").fill("Tea")
        page.get_by_role("button", name="Save").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Tea"
        page.set_viewport_size({"width": 360, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.get_by_text("Delete …").click()
        page.get_by_role("button", name="Delete this post").click()
        assert "“Tea” is deleted." in page.get_by_role("status").inner_text()

        page.get_by_role("button", name="Log out").click()
        assert page.get_by_role("link", name="Log in").is_visible()
        browser.close()
    assert complaints == []
    assert elsewhere == []
