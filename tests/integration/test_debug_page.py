"""What DEBUG shows of an unhandled exception, and to whom."""

import re

import pytest

from flasgo import Flasgo, Settings, SettingsError, csp_nonce

KEY = "test-debug-0123456789abcdefghijklmn"
OLD_KEY = "test-debug-old-0123456789abcdefghij"
HTML = {"accept": "text/html,application/xhtml+xml"}
SECRETS = ["correct horse", KEY, OLD_KEY, "tok_12345678", "sk_live_1234", "cookie-value-1", "q-secret-1"]


def application(**settings: object) -> Flasgo[Settings]:
    app = Flasgo(
        settings={
            "SECRET_KEY": KEY,
            "SECRET_KEY_FALLBACKS": [OLD_KEY],
            "DEBUG": True,
            "STRIPE_KEY": "sk_live_1234",
            **settings,
        }
    )

    @app.get("/orders/<int:id>")
    async def order(id: int):
        password = "correct horse"
        key = {"old": [app.settings.SECRET_KEY_FALLBACKS]}
        raise LookupError(
            f"no <b>order</b> {id} {app.settings.SECRET_KEY} {password} {app.settings.EXTRA['STRIPE_KEY']} {len(key)}"
        )

    return app


def page(app=None, path="/orders/7", *, headers=HTML, **options):
    return (app or application()).test_client(**options).get(path, headers={**HTML, **headers})


def test_a_browser_on_this_machine_gets_the_page():
    response = page(
        path="/orders/7?token=q-secret-1&page=2",
        headers={"authorization": "Bearer tok_12345678", "cookie": "a=cookie-value-1"},
    )
    assert response.status_code == 500
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    text = response.text
    for part in (
        "LookupError",
        "no &lt;b&gt;order&lt;/b&gt; 7",
        "test_debug_page.py",
        "password",
        "page=2",
        "/orders/&lt;int:id&gt;",
    ):
        assert part in text, part
    for secret in SECRETS:
        assert secret not in text, secret
    assert "<script" not in text


def test_the_page_runs_nothing_and_is_kept_by_nobody():
    response = page(application(ENFORCE_NO_STORE_CACHE=False))
    (policy,) = response.headers.getlist("content-security-policy")
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert policy == (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert f'<style nonce="{nonce}">' in response.text
    assert response.headers.getlist("cache-control") == ["no-store"]
    assert response.headers["x-frame-options"] == "DENY"


def test_a_nonce_of_the_page_that_failed_does_not_weaken_it():
    app = application()

    @app.get("/")
    async def index():
        csp_nonce()
        raise ValueError

    assert "script-src" not in page(app, "/").headers["content-security-policy"]


def test_a_program_gets_its_usual_answer_with_a_telling_detail():
    client = application().test_client()
    problem = client.get("/orders/7", headers={"accept": "application/json"}).json()
    assert problem["code"] == "internal_server_error"
    assert problem["detail"].startswith("LookupError: no <b>order</b> 7 [redacted] [redacted] [redacted] 1 (")
    assert re.search(r"test_debug_page\.py:\d+\)$", problem["detail"])
    assert client.get("/orders/7").text.startswith("LookupError")


@pytest.mark.parametrize(
    ("headers", "options", "settings"),
    [
        ({}, {}, {"DEBUG": False}),
        ({}, {"client": ("203.0.113.9", 1)}, {}),
        ({}, {"client": ("::ffff:203.0.113.9", 1)}, {}),
        ({}, {"client": ("testclient", 1)}, {}),
        ({"x-forwarded-for": "127.0.0.1"}, {}, {}),
        ({"x-forwarded-for": "127.0.0.1"}, {}, {"TRUSTED_PROXIES": ["127.0.0.1"]}),
        ({"x-forwarded-for": "203.0.113.9"}, {}, {"TRUSTED_PROXIES": ["127.0.0.1"]}),
        ({"forwarded": "for=127.0.0.1"}, {}, {}),
        ({"x-forwarded-server": "a"}, {}, {}),
        ({"x_forwarded_port": "80"}, {}, {}),
        ({"cf-connecting-ip": "127.0.0.1"}, {}, {}),
        ({"true-client-ip": "127.0.0.1"}, {}, {}),
        ({"x-forwarded-for": "127.0.0.1"}, {"client": ("203.0.113.9", 1)}, {}),
        ({"via": "1.1 proxy"}, {}, {}),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, {}, {}),
        ({"sec-fetch-site": "same-site"}, {}, {}),
        ({"host": "rebound.example"}, {}, {"ALLOWED_HOSTS": ["*"]}),
        ({"host": "rebound.example"}, {}, {"ENFORCE_ALLOWED_HOSTS": False}),
        ({"host": "rebound..example"}, {}, {"ENFORCE_ALLOWED_HOSTS": False}),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_nobody_else_learns_anything(headers, options, settings, accept):
    response = page(application(**settings), headers={**headers, "accept": accept}, **options)
    assert response.status_code == 500
    assert "LookupError" not in response.text
    assert "Internal Server Error" in response.text


@pytest.mark.parametrize(
    ("headers", "options", "settings"),
    [
        ({}, {"client": ("127.9.9.9", 1)}, {}),
        ({}, {"client": ("::1", 1)}, {}),
        ({}, {"client": ("::ffff:127.0.0.1", 1)}, {}),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, {}, {}),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, {}, {}),
        ({"host": "shop.test"}, {}, {"ALLOWED_HOSTS": ["shop.test"]}),
        ({"host": "shop.localhost:8000"}, {}, {"ALLOWED_HOSTS": ["*"]}),
        ({"host": "127.0.0.1:8000"}, {}, {"ENFORCE_ALLOWED_HOSTS": False}),
        ({"host": "[::1]"}, {}, {"ALLOWED_HOSTS": ["*"]}),
    ],
)
def test_whoever_is_at_this_machine_does(headers, options, settings):
    assert "LookupError" in page(application(**settings), headers=headers, **options).text


def test_a_handler_for_the_class_comes_first_and_one_for_500_does_not():
    app = application()
    app.errorhandler(500)(lambda error: ("sorry", 500))

    @app.errorhandler(KeyError)
    def of_a_class(error):
        return "handled", 404

    @app.get("/key")
    async def key():
        raise KeyError

    assert page(app, "/key").text == "handled"
    assert "LookupError" in page(app).text
    assert page(app, headers={"accept": "*/*"}).text == "sorry"


def test_a_failing_error_handler_is_explained_too():
    app = application()

    @app.errorhandler(LookupError)
    def fails(error):
        raise ZeroDivisionError("in the handler")

    assert "in the handler" in page(app).text


def test_where_the_page_itself_fails_the_usual_answer_is_given(monkeypatch, caplog):
    def broken(*args):
        raise RuntimeError("the page")

    monkeypatch.setattr("flasgo.debug.page.failures_of", broken)
    assert "LookupError" not in page().text
    assert [record.event for record in caplog.records] == ["unhandled-exception", "debug-page-failed"]


def test_a_failing_route_with_odd_text_is_shown():
    app = application()

    @app.get("/<path:rest>")
    def odd(rest: str):
        surrogate = "\ud800"
        raise ValueError(f"{rest}{surrogate}$style")

    assert "ValueError" in page(app, "/%F0%9F%98%80$kind").text


@pytest.mark.parametrize("name", ["production", " Production "])
def test_debug_and_production_exclude_each_other(monkeypatch, name):
    monkeypatch.setenv("FLASGO_ENV", name)
    with pytest.raises(SettingsError, match="DEBUG must be off where FLASGO_ENV is production"):
        application()
    assert application(DEBUG=False)
    monkeypatch.setenv("FLASGO_ENV", "development")
    assert application()
    assert Settings.from_env({"FLASGO_ENV": "staging"})
