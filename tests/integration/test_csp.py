"""`csp_nonce()`, and the Content-Security-Policy of the answers that use it."""

import re

import pytest

from flasgo import Flasgo, Request, Response, Settings, csp_nonce
from flasgo.request import Request as Handmade

DEFAULT = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
NO_STORE = "no-store, no-cache, must-revalidate, max-age=0"


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-csp-0123456789abcdefghijklmno", "CSRF_ENABLED": False, **settings})


def page(**settings):
    app = application(**settings)

    @app.get("/")
    async def index() -> str:
        return csp_nonce()

    return app.test_client()


def test_a_nonce_is_128_random_bits_one_for_each_request():
    app = application()

    @app.get("/")
    def index(request: Request) -> str:
        assert csp_nonce() == csp_nonce() == request.csp_nonce
        return csp_nonce()

    client = app.test_client()
    nonces = {client.get("/").text for _ in range(20)}
    assert len(nonces) == 20
    assert all(re.fullmatch("[A-Za-z0-9_-]{22}", nonce) for nonce in nonces)


def test_the_policy_of_an_answer_that_used_it_lets_it_run():
    response = page().get("/")
    sources = f"'self' 'nonce-{response.text}'"
    assert response.headers.getlist("content-security-policy") == [
        f"{DEFAULT}; script-src {sources}; style-src {sources}"
    ]
    assert response.headers["x-frame-options"] == "DENY"


def test_other_answers_keep_the_policy_as_it_is():
    client = page()
    client.get("/")
    assert client.get("/nowhere").headers.getlist("content-security-policy") == [DEFAULT]


@pytest.mark.parametrize("enforce", [True, False])
@pytest.mark.parametrize("public", [True, False])
def test_such_an_answer_is_never_kept(enforce, public):
    app = application(ENFORCE_NO_STORE_CACHE=enforce)

    @app.get("/")
    async def index() -> Response:
        return Response(csp_nonce(), headers={"cache-control": "public, max-age=60"}, allow_public_cache=public)

    assert app.test_client().get("/").headers.getlist("cache-control") == [NO_STORE]


def test_it_joins_the_applications_own_policy():
    headers = {
        "Content-Security-Policy": "script-src cdn.example; style-src 'none'",
        "Content-Security-Policy-Report-Only": "default-src 'none'",
    }
    response = page(SECURITY_HEADERS=headers).get("/")
    nonce = f"'nonce-{response.text}'"
    assert response.headers["content-security-policy"] == f"script-src cdn.example {nonce}; style-src {nonce}"
    assert response.headers["content-security-policy-report-only"] == (
        f"default-src 'none'; script-src {nonce}; style-src {nonce}"
    )


def test_it_joins_the_policy_of_the_route_and_of_the_answer_and_is_there_once():
    app = application()

    @app.get("/route", headers={"Content-Security-Policy": "script-src a.example"})
    async def route() -> str:
        return csp_nonce()

    @app.get("/answer")
    async def answer() -> tuple[str, int, dict[str, str]]:
        return csp_nonce(), 200, {"Content-Security-Policy": f"script-src 'nonce-{csp_nonce()}' b.example"}

    client = app.test_client()
    for path, host in (("/route", "a.example"), ("/answer", "b.example")):
        response = client.get(path)
        nonce = f"'nonce-{response.text}'"
        assert response.headers.getlist("content-security-policy") == [
            f"script-src {host} {nonce}; style-src 'self' {nonce}"
        ]


def test_where_a_route_has_no_policy_there_is_none():
    app = application()

    @app.get("/", headers={"Content-Security-Policy": None})
    async def index() -> str:
        return csp_nonce()

    response = app.test_client().get("/")
    assert "content-security-policy" not in response.headers
    assert response.headers["cache-control"] == NO_STORE


def test_outside_a_request_there_is_no_nonce():
    with pytest.raises(RuntimeError, match=r"`csp_nonce\(\)` was used outside a request"):
        csp_nonce()


async def test_a_request_made_by_hand_has_one():
    async def receive():
        raise AssertionError

    request = Handmade.of({"type": "http", "headers": []}, receive)
    assert request.csp_nonce == request.csp_nonce
