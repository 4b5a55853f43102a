"""The dashboard as its team sees it: a real browser walks through it, with scripts and without."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
APP = str(Path(__file__).with_name("app.py"))
sync_api = pytest.importorskip("playwright.sync_api")
Page = sync_api.Page
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser"),
]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Where the dashboard is served, filled, and the passwords of its people."""
    environment = {**os.environ, "FLASGO_BOARD_DATA": str(tmp_path / "board.db"), "PYTHONUNBUFFERED": "1"}
    fill = (sys.executable, "-m", "flasgo", "cmd", APP, "fill")
    printed = subprocess.run(fill, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own command
    passwords = {str(match[1]): str(match[2]) for match in re.finditer(r"as (\w+), who .* password (\S+)", printed)}
    command = (sys.executable, "-m", "flasgo", "run", APP, "--port", "0")
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as server:
        try:
            assert server.stderr is not None
            found = next((m for line in server.stderr if (m := re.search(r"http://127\.0\.0\.1:\d+", line))), None)
            assert found is not None, "the server has ended"
            yield found[0], passwords
        finally:
            server.terminate()


def test_an_editor_filters_takes_and_changes_an_incident(board: tuple[str, dict[str, str]]) -> None:
    address, passwords = board
    complaints: list[str] = []
    elsewhere: list[str] = []
    loads: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith(address) or elsewhere.append(request.url))
        page.on("load", lambda loaded: loads.append(loaded.url))

        page.goto(f"{address}/incidents")
        page.get_by_label("Name").fill("edith")
        page.get_by_label("Password").fill(passwords["edith"])
        page.get_by_role("button", name="Log in").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Incidents"
        assert not page.get_by_role("button", name="Show").is_visible()
        begun = len(loads)

        page.get_by_label("Status").select_option("any")
        page.get_by_text("Page 1 of 2").wait_for()
        assert "status=any" in page.url
        page.get_by_role("link", name="Severity").click()
        page.locator("th[aria-sort=ascending]").wait_for()
        page.get_by_role("searchbox").fill("pay")
        page.get_by_text("1 incident", exact=True).wait_for()
        page.get_by_role("button", name="Take Payments time out for some cards").click()
        page.locator("#row-1 .state.watching").wait_for()
        assert page.locator("#row-1").get_by_text("edith").is_visible()
        assert len(loads) == begun  # all of it without another page

        change(page, complaints)
        look_around(page, address)
        browser.close()
    assert complaints == []
    assert elsewhere == []


def change(page: Page, complaints: list[str]) -> None:
    """The incident's own page, its form, and what it says."""
    page.get_by_role("link", name="Payments time out").click()
    page.locator(".events").get_by_text("told the team").wait_for()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill("")
    page.get_by_role("button", name="Save").click()
    assert page.locator("#title-problem").inner_text() == "Fill in this field."
    # The browser itself says that the answer was a 422; nothing else may be said.
    assert [text for text in complaints if "422" not in text] == []
    complaints.clear()
    page.get_by_label("Title").fill("Payments <work> again")
    page.get_by_label("Status").select_option("resolved")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text() == "Your changes are saved."
    assert page.get_by_role("heading", level=1).inner_text() == "Payments <work> again"


def look_around(page: Page, address: str) -> None:
    """The charts, the way back, and every page in narrow windows."""
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="7 days").click()
    page.locator("#traffic rect").nth(167).wait_for(state="attached")
    assert page.get_by_role("img", name="Requests by the hour").count() == 1
    assert page.locator("#traffic .series-1 .line").evaluate("line => getComputedStyle(line).stroke") != "none"
    page.go_back()
    page.wait_for_function("document.querySelectorAll('#traffic .slots rect').length === 48")
    for width in (360, 768):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("/", "/incidents?status=any", "/incidents/2", "/incidents/2/edit", "/services"):
            page.goto(address + path)
            assert page.evaluate("document.documentElement.scrollWidth") == width


def test_everything_works_without_scripts_and_in_the_dark(board: tuple[str, dict[str, str]]) -> None:
    address, passwords = board
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_context(java_script_enabled=False, color_scheme="dark").new_page()
        page.goto(address)
        page.get_by_label("Name").fill("edith")
        page.get_by_label("Password").fill(passwords["edith"])
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("link", name="48 hours").click()
        assert page.locator("#traffic .slots rect").count() == 96
        page.get_by_role("link", name="Incidents", exact=True).click()
        page.get_by_label("Status").select_option("any")
        page.get_by_role("button", name="Show").click()
        assert page.get_by_text("Page 1 of 2").is_visible()
        page.get_by_role("link", name="After →").click()
        assert page.get_by_text("Page 2 of 2").is_visible()
        page.goto(f"{address}/incidents")
        page.get_by_role("button", name="Take Welcome mails").click()
        assert page.get_by_role("status").inner_text() == "It is yours."
        browser.close()
