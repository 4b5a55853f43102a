"""The failure throttle: refusals are answered 429 beyond a number, and nothing else ever is."""

import logging
from base64 import b64encode

import pytest

from flasgo import Flasgo, Settings, TooManyRequests, User, abort, basic_backend, bearer_token_backend
from flasgo.security.throttle import FailureThrottle


def application(**settings: object) -> Flasgo[Settings]:
    app = Flasgo(
        settings={"SECRET_KEY": "test-throttle-0123456789abcdefghij", "SECURITY_FAILURE_RATE_LIMIT": 3, **settings}
    )

    @app.get("/")
    async def index():
        return "served"

    @app.post("/")
    async def change():
        return "changed"

    @app.get("/forbidden")
    async def forbidden():
        abort(403)

    @app.get("/bad")
    async def bad():
        abort(400)

    return app


def security_events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["event"] for record in caplog.records if record.name == "flasgo.security"]


FOREIGN = [(b"host", b"evil.example")]


async def test_failures_beyond_the_limit_are_too_many(call) -> None:
    app = application()

    answers = [await call(app, headers=FOREIGN) for _ in range(5)]

    assert [answer.status for answer in answers] == [400, 400, 400, 429, 429]
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].headers["x-content-type-options"] == "nosniff"


async def test_all_kinds_of_failures_are_one_count(call) -> None:
    app = application()

    answers = [
        await call(app, headers=FOREIGN),
        await call(app, method="POST"),
        await call(app, "/forbidden"),
        await call(app, "/forbidden"),
    ]

    assert [answer.status for answer in answers] == [400, 403, 403, 429]


async def test_a_hostile_page_cannot_lock_its_visitor_out(call) -> None:
    app = application()

    for _ in range(100):
        hostile = [(b"host", b"localhost"), (b"origin", b"https://evil.example"), (b"sec-fetch-site", b"cross-site")]
        await call(app, method="POST", headers=hostile)

    assert (await call(app, method="POST")).status == 429
    assert (await call(app)).status == 200
    assert (await call(app, "/nowhere")).status == 404


async def test_other_errors_are_not_counted(call) -> None:
    app = application()

    assert [(await call(app, "/bad")).status for _ in range(6)] == [400] * 6
    assert [(await call(app, "/nowhere")).status for _ in range(6)] == [404] * 6
    assert (await call(app, headers=FOREIGN)).status == 400


async def test_clients_are_counted_apart_and_unknown_ones_not_at_all(call) -> None:
    app = application()
    for _ in range(5):
        await call(app, headers=FOREIGN, client=("192.0.2.1", 1))

    assert (await call(app, headers=FOREIGN, client=("192.0.2.1", 1))).status == 429
    assert (await call(app, headers=FOREIGN, client=("192.0.2.2", 1))).status == 400
    assert [(await call(app, headers=FOREIGN, client=None)).status for _ in range(6)] == [400] * 6


async def test_zero_throttles_nothing(call) -> None:
    app = application(SECURITY_FAILURE_RATE_LIMIT=0)

    assert [(await call(app, headers=FOREIGN)).status for _ in range(60)] == [400] * 60


async def test_the_window_is_a_setting(call) -> None:
    app = application(SECURITY_FAILURE_WINDOW_SECONDS=7)

    answers = [await call(app, headers=FOREIGN) for _ in range(4)]

    assert answers[-1].headers["retry-after"] == "7"


async def test_the_throttle_says_so_in_the_log(call, caplog: pytest.LogCaptureFixture) -> None:
    app = application()
    with caplog.at_level(logging.WARNING, "flasgo.security"):
        for _ in range(4):
            await call(app, headers=FOREIGN)

    events = security_events(caplog)
    assert events.count("security-failures-throttled") == 1


async def test_the_applications_own_handler_answers_429(call) -> None:
    app = application()

    @app.errorhandler(429)
    async def slower(error):
        return "slower"

    answers = [await call(app, headers=FOREIGN) for _ in range(4)]

    assert (answers[-1].status, answers[-1].body) == (429, b"slower")


# ── wrong credentials ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_right_credentials_are_refused_after_too_many_wrong_ones_before_they_are_judged(call) -> None:
    app = application(CREDENTIAL_FAILURE_LIMIT=2)
    judged = []

    def validate(token: str) -> User | None:
        judged.append(token)
        return User(id="ada", is_authenticated=True) if token == "right" else None

    app.register_auth_backend("bearer", bearer_token_backend(validate))

    @app.get("/me")
    @app.authorize(backend="bearer")
    async def me():
        return "served"

    async def status(token: bytes, ip: str = "192.0.2.1"):
        headers = [(b"host", b"localhost"), (b"authorization", b"Bearer " + token)]
        answer = await call(app, "/me", headers=headers, client=(ip, 1))
        return answer.status, answer.headers.get("retry-after")

    limit = 2 * 10  # a token names no account: only the client is counted
    assert [await status(b"wrong") for _ in range(limit)] == [(401, None)] * limit
    assert await status(b"right") == (429, "300")
    assert len(judged) == limit
    assert await status(b"right", "192.0.2.2") == (200, None)


async def test_success_counts_nothing(call) -> None:
    app = application(CREDENTIAL_FAILURE_LIMIT=1)
    app.register_auth_backend("bearer", bearer_token_backend(lambda token: User(id="a", is_authenticated=True)))

    @app.get("/me")
    @app.authorize(backend="bearer")
    async def me():
        return "served"

    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer right")]
    assert [(await call(app, "/me", headers=headers)).status for _ in range(30)] == [200] * 30


async def test_success_forgets_what_the_client_failed_with_for_the_account(call) -> None:
    app = application(CREDENTIAL_FAILURE_LIMIT=3)
    app.register_auth_backend(
        "basic",
        basic_backend(lambda name, password: User(id=name, is_authenticated=True) if password == "right" else None),
    )

    @app.get("/me")
    @app.authorize(backend="basic")
    async def me():
        return "served"

    async def status(password: bytes):
        credentials = b64encode(b"ada:" + password)
        headers = [(b"host", b"localhost"), (b"authorization", b"Basic " + credentials)]
        return (await call(app, "/me", headers=headers)).status

    wrong, right = b"wrong", b"right"
    assert [await status(p) for p in (wrong, wrong, right, wrong, wrong, right)] == [401, 401, 200, 401, 401, 200]
    assert [await status(p) for p in (wrong, wrong, wrong, right)] == [401, 401, 401, 429]


async def test_every_route_may_be_answered_429_while_the_throttle_is_on() -> None:
    for limit, rejections in ((3, (TooManyRequests,)), (0, ())):
        app = application(SECURITY_FAILURE_RATE_LIMIT=limit)
        (throttle,) = [stage for stage in app.freeze().stages if isinstance(stage, FailureThrottle)]

        assert throttle.rejections(app.routes[0]) == rejections
