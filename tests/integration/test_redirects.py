"""`redirect()` inside a request: where it leads, and what becomes of what does not."""

import pytest

from flasgo import Flasgo, Settings, is_safe_redirect_target, redirect

JSON = {"accept": "application/json"}


def application(**settings: object) -> Flasgo[Settings]:
    app = Flasgo(
        settings={"SECRET_KEY": "test-redirects-0123456789abcdefghij", "ALLOWED_HOSTS": ["shop.example"], **settings}
    )

    @app.get("/go")
    def go(to: str):
        return redirect(to)

    return app


def go(to, app=None):
    client = (app or application()).test_client(base_url="https://shop.example")
    return client.get("/go", params={"to": to}, headers=JSON, follow_redirects=False)


@pytest.mark.parametrize("to", ["/next", "https://shop.example/next", "next?a=b"])
def test_it_leads_where_it_may(to):
    assert go(to).location == to


def test_to_a_listed_host_too():
    assert go("https://pay.example/", application(ALLOWED_REDIRECT_HOSTS=[".pay.example", "pay.example"])).location


def test_an_unsafe_target_is_400_with_a_cure_one_line_in_the_log_and_no_traceback(caplog):
    response = go("https://evil.example/?secret=1")
    assert (response.status_code, response.json()["code"]) == (400, "unsafe_redirect")
    assert "ALLOWED_REDIRECT_HOSTS" in response.json()["detail"]
    assert "evil" not in response.text
    assert "location" not in response.headers
    assert caplog.messages == [
        "redirect-refused method=GET path=/go client=127.0.0.1 reason=other-host target=https://evil.example/"
    ]


def test_the_log_may_be_turned_off(caplog):
    assert go("//evil.example", application(LOG_SECURITY_EVENTS=False)).status_code == 400
    assert not caplog.messages


def test_a_program_may_handle_it():
    app = application()
    app.errorhandler(ValueError)(lambda error: ("no", 418))
    assert go("//evil.example", app).status_code == 418


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("//evil.example/?a=secret?b", "reason=two-slashes target=//evil.example/"),
        ("//evil.example/" + "x" * 300, f"reason=two-slashes target=//evil.example/{'x' * 241}"),
    ],
)
def test_the_log_has_the_beginning_of_what_was_refused_and_never_its_query(caplog, to, told):
    assert go(to).status_code == 400
    assert caplog.messages == [f"redirect-refused method=GET path=/go client=127.0.0.1 {told}"]


def test_what_is_too_long_once_it_is_encoded_is_told_so(caplog):
    assert go("/é" * 600).status_code == 400
    assert "reason=too-long target=" in caplog.text


def test_a_handler_may_ask_about_the_request_in_hand():
    app = application()

    @app.get("/ask")
    def ask(to: str) -> bool:
        return is_safe_redirect_target(to)

    client = app.test_client(base_url="https://shop.example")
    assert client.get("/ask", params={"to": "https://shop.example/next"}).json() is True
    assert client.get("/ask", params={"to": "https://evil.example/next"}).json() is False
