"""What a real browser makes of the policies: scripts with the nonce run, others do not, and the debug page is whole."""

from pathlib import Path

import pytest

CHROMIUM = "/usr/bin/chromium"
sync_api = pytest.importorskip("playwright.sync_api")

SOURCE = """
    from flasgo import Flasgo, Response, csp_nonce

    app = Flasgo(settings={"SECRET_KEY": "test-browser-0123456789abcdefghijkl", "DEBUG": True})

    @app.get("/")
    async def page() -> Response:
        return Response.html(
            f"<title>none</title><p id=a>text</p><style nonce={csp_nonce()}>p {{ color: rgb(1, 2, 3) }}</style>"
            "<style>p { color: rgb(9, 9, 9) }</style>"
            f"<script nonce={csp_nonce()}>document.title = 'with nonce'</script><script>document.title = 'without'</script>"
        )

    @app.get("/fail")
    async def fail() -> str:
        markup = "<script>document.title = 'taken over'</script>"
        raise ValueError(markup)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser")
def test_only_what_has_the_nonce_runs(workshop):
    workshop.write("app.py", SOURCE)
    server = workshop.serve("app.py", "--no-reload")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(server.url)
        assert page.title() == "with nonce"
        assert page.evaluate("getComputedStyle(document.getElementById('a')).color") == "rgb(1, 2, 3)"

        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{server.url}/fail")
        assert page.title() == "ValueError: GET /fail"
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") == "700"
        assert page.locator("details[open] .current").count() == 1
        page.get_by_text("Traceback as text").click()
        assert "ValueError: <script>" in page.locator(".plain").inner_text()
        assert not [text for text in complaints if "Content Security Policy" in text]
        browser.close()
