"""Rate limits as clients and authors of applications meet them."""

import functools
import logging
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest

from flasgo import (
    Blueprint,
    Counter,
    Flasgo,
    FrozenError,
    RateLimitRule,
    RegistrationError,
    Request,
    Response,
    Settings,
    Store,
    StoreUnavailable,
    TooManyRequests,
    User,
    Verdict,
    bearer_token_backend,
    rate_limit,
)
from flasgo.http.asgi import Message
from flasgo.http.clients import client_key
from flasgo.ratelimit import RateLimitDefault, RateLimiter, rate_limit_success_headers
from flasgo.ratelimit.stage import KEPT, LimitStage, Pairs, finish
from flasgo.storage.counters import CounterTable
from flasgo.storage.memory import MemoryStore

FIELDS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-limits-0123456789abcdefghijkl", "CSRF_ENABLED": False, **settings})


def security_events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["event"] for record in caplog.records if record.name == "flasgo.security"]


def statuses(
    app: Flasgo[Settings], path: str, times: int, *, client: tuple[str, int] = ("127.0.0.1", 50000)
) -> list[int]:
    test_client = app.test_client(client=client)
    return [test_client.get(path).status_code for _ in range(times)]


# ── the promise ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_more_than_the_limit_is_refused_without_calling_the_handler() -> None:
    app = application()
    calls = []

    @app.get("/")
    @app.ratelimit(3, per=60)
    async def index():
        calls.append(1)
        return "served"

    assert statuses(app, "/", 5) == [200, 200, 200, 429, 429]
    assert len(calls) == 3


def test_a_refusal_is_a_problem_document_that_says_when_to_come_back() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=30)
    async def index():
        return "served"

    client = app.test_client()
    client.get("/")
    answer = client.get("/", headers={"accept": "application/json"})

    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "too_many_requests"
    assert answer.json()["detail"] == "Too many requests from this client. Wait before retrying."
    assert answer.headers["retry-after"] == "30"
    assert [answer.headers[name] for name in FIELDS] == ["1", "0", "30"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_programs_that_do_not_say_what_they_read_are_refused_in_the_form_of_0_5_1() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=30)
    async def index():
        return "served"

    @app.get("/own")
    @app.ratelimit(1, per=30)
    async def own():
        raise TooManyRequests("Not yet.")

    client = app.test_client()
    client.get("/")
    answer = client.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (429, "application/json")
    assert answer.json() == {
        "error": "too_many_requests",
        "detail": "Too many requests from this client. Wait before retrying.",
    }
    assert client.get("/", headers={"accept": "text/html"}).headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("/own").text == "Not yet."  # the handler's own answer


def test_every_answer_says_what_is_left() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(5, per=60)
    async def index():
        return "served"

    client = app.test_client()
    first, second = client.get("/"), client.get("/")

    assert [first.headers[name] for name in FIELDS] == ["5", "4", "60"]
    assert [second.headers[f"x-{name}"] for name in FIELDS] == ["5", "3", "60"]
    assert "retry-after" not in second.headers


def test_the_fields_replace_those_of_the_handler_and_stand_on_errors() -> None:
    app = application()

    @app.get("/own")
    @app.ratelimit(5, per=60)
    async def own():
        return Response("served", headers={"RateLimit-Limit": "99", "X-Own": "1"})

    @app.get("/broken")
    @app.ratelimit(5, per=60)
    async def broken():
        raise ValueError("no")

    client = app.test_client(raise_server_exceptions=False)

    assert client.get("/own").headers.getlist("ratelimit-limit") == ["5"]
    assert client.get("/own").headers["x-own"] == "1"
    assert client.get("/broken").headers["ratelimit-remaining"] == "4"


def test_a_route_without_limits_says_nothing_of_them() -> None:
    app = application()

    @app.get("/")
    async def index():
        return "served"

    assert not any("ratelimit" in name for name in app.test_client().get("/").headers)


def test_the_error_handler_of_the_application_answers_refusals() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    @app.errorhandler(429)
    async def slower(error):
        return {"slower": True}

    client = app.test_client()
    client.get("/")
    answer = client.get("/")

    assert (answer.status_code, answer.json()) == (429, {"slower": True})
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["ratelimit-remaining"] == "0"


def test_a_head_request_counts_and_an_automatic_options_does_not() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(2, per=60)
    async def index():
        return "served"

    client = app.test_client()

    assert [client.head("/").status_code, client.options("/").status_code] == [200, 204]
    assert [client.get("/").status_code, client.get("/").status_code] == [200, 429]


def test_a_refusal_is_one_line_of_the_security_log(caplog: pytest.LogCaptureFixture) -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    with caplog.at_level(logging.WARNING, "flasgo.security"):
        statuses(app, "/", 2)

    assert security_events(caplog) == ["rate-limit-exceeded"]


# ── who is counted ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_client_has_its_own_quota() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    assert statuses(app, "/", 2, client=("192.0.2.1", 1)) == [200, 429]
    assert statuses(app, "/", 2, client=("192.0.2.2", 1)) == [200, 429]
    assert statuses(app, "/", 1, client=("::ffff:192.0.2.2", 1)) == [429]


async def test_all_addresses_of_one_ipv6_network_are_one_client(call) -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(2, per=60)
    async def index():
        return "served"

    answers = [await call(app, client=(f"2001:db8::{number:x}", 1)) for number in range(1, 5)]

    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert (await call(app, client=("2001:db8:0:1::1", 1))).status == 200


def test_who_is_not_remembered_is_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flasgo.ratelimit.stage.MAX_REMEMBERED", 2)
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    addresses = [f"192.0.2.{number}" for number in range(5)]
    assert [statuses(app, "/", 1, client=(address, 1)) for address in addresses] == [[200]] * 5
    assert [statuses(app, "/", 1, client=(address, 1)) for address in addresses] == [[429]] * 5


async def test_a_forged_forwarding_header_escapes_nothing(call) -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    def forged(number: int) -> list[tuple[bytes, bytes]]:
        address = b"203.0.113.%d" % number
        return [(b"host", b"localhost"), (b"x-forwarded-for", address), (b"forwarded", b"for=" + address)]

    assert [(await call(app, headers=forged(n))).status for n in range(3)] == [200, 429, 429]


async def test_behind_a_trusted_proxy_the_client_is_counted_and_what_it_forges_is_not(call) -> None:
    app = application(TRUSTED_PROXIES={"127.0.0.1"})

    @app.get("/")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    def through(chain: bytes) -> list[tuple[bytes, bytes]]:
        return [(b"host", b"localhost"), (b"x-forwarded-for", chain)]

    chains = (b"203.0.113.1", b"203.0.113.2", b"198.51.100.9, 203.0.113.1", b"198.51.100.10, 203.0.113.1")
    assert [(await call(app, headers=through(chain))).status for chain in chains] == [200, 200, 429, 429]


async def test_clients_that_are_not_known_are_never_pooled(call, caplog: pytest.LogCaptureFixture) -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    @app.get("/keyed")
    @app.ratelimit(1, per=60, key_func=lambda request: None)
    async def keyed():
        return "served"

    @app.get("/two")
    @app.ratelimit(1, per=60)
    @app.ratelimit(1, per=3600)
    async def two():
        return "served"

    with caplog.at_level(logging.WARNING, "flasgo.security"):
        answers = [await call(app, path, client=None) for path in ("/", "/", "/keyed", "/keyed", "/two", "/two")]

    assert [answer.status for answer in answers] == [200] * 6
    assert security_events(caplog) == ["rate-limit-client-unknown"]


def test_a_key_func_says_who_is_counted() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=lambda request: request.headers.get("x-api-key"))
    async def index():
        return "served"

    client = app.test_client()

    assert [client.get("/", headers={"x-api-key": key}).status_code for key in "aabc"] == [200, 429, 200, 200]
    assert [client.get("/").status_code for _ in range(2)] == [200, 429]


def test_a_key_func_may_be_asynchronous_and_give_any_kind_of_key() -> None:
    app = application()

    async def tenant(request: Request) -> int | None:
        number = request.headers.get("x-tenant")
        return None if number is None else int(number)

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=tenant)
    @app.ratelimit(9, per=60, key_func=lambda request: request.method)
    async def index():
        return "served"

    client = app.test_client()

    assert [client.get("/", headers={"x-tenant": key}).status_code for key in "1121"] == [200, 429, 200, 429]


def test_a_key_func_that_fails_is_an_error_of_the_application() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=lambda request: request.headers["x-api-key"])
    async def index():
        return "served"

    assert app.test_client(raise_server_exceptions=False).get("/").status_code == 500


def test_an_address_that_a_key_func_gives_is_counted_as_one() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=lambda request: request.client_ip)
    async def index():
        return "served"

    assert statuses(app, "/", 1, client=("2001:db8::1", 1)) == [200]
    assert statuses(app, "/", 1, client=("2001:db8::2", 1)) == [429]


@pytest.mark.parametrize(("one", "other"), [("K", "\u212a"), ("a", "A"), ("x" * 500, "x" * 501), ("\ud800", "\ud801")])
def test_no_two_keys_share_a_counter(one: str, other: str) -> None:
    app = application()
    keys = iter([one, other, one, other])

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=lambda request: next(keys))
    async def index():
        return "served"

    assert statuses(app, "/", 4) == [200, 200, 429, 429]


def test_a_text_that_looks_like_an_address_is_not_that_address() -> None:
    app = application()

    @app.get("/one")
    @app.ratelimit(1, per=60, scope="both")
    async def one():
        return "served"

    @app.get("/other")
    @app.ratelimit(1, per=60, scope="both", key_func=lambda request: "192.0.2.1")
    async def other():
        return "served"

    assert statuses(app, "/one", 1, client=("192.0.2.1", 1)) == [200]
    assert statuses(app, "/other", 2, client=("192.0.2.9", 1)) == [200, 429]


def test_limits_by_address_come_before_those_by_key() -> None:
    app = application()
    asked = []

    @app.get("/")
    @app.ratelimit(10, per=60, key_func=lambda request: asked.append(1) or "key")
    @app.ratelimit(1, per=60)
    async def index():
        return "served"

    client = app.test_client()

    assert client.get("/").headers["ratelimit-limit"] == "1"
    assert client.get("/").status_code == 429
    assert len(asked) == 1


# ── quotas ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_routes_of_one_scope_share_one_quota() -> None:
    app = application()

    @app.get("/reports")
    @rate_limit(2, per=60, scope="expensive")
    async def reports():
        return "served"

    @app.get("/summary")
    @rate_limit(2, per=60, scope="expensive")
    async def summary():
        return "served"

    client = app.test_client()

    assert [client.get(path).status_code for path in ("/reports", "/summary", "/reports", "/summary")] == [
        200,
        200,
        429,
        429,
    ]


def test_routes_without_a_scope_have_quotas_of_their_own() -> None:
    app = application()

    def limited(path: str) -> None:
        @app.get(path)
        @app.ratelimit(1, per=60)
        async def handler(**path):
            return "served"

    limited("/K")
    limited("/\u212a")
    limited("/a/<x>")
    client = app.test_client()

    paths = ("/K", "/%E2%84%AA", "/a/1", "/K", "/%E2%84%AA", "/a/2")
    assert [client.get(path).status_code for path in paths] == [200, 200, 200, 429, 429, 429]


def test_several_routes_of_one_decorated_handler_share_its_quota() -> None:
    app = application()

    @app.get("/a")
    @app.route("/b", methods=["GET", "POST"])
    @app.ratelimit(2, per=60)
    async def handler():
        return "served"

    client = app.test_client()

    assert [client.get("/a").status_code, client.post("/b").status_code, client.get("/a").status_code] == [
        200,
        200,
        429,
    ]


def test_several_limits_are_counted_together_or_not_at_all() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(100, per=3600)
    @app.ratelimit(2, per=60)
    async def index():
        return "served"

    client = app.test_client()
    answers = [client.get("/") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429, 429]
    assert [answer.headers["ratelimit-limit"] for answer in answers] == ["2"] * 5
    table = _table(app)
    left = {table._rates[int.from_bytes(state[:4], "little")].limit: state for state in table._states.values()}
    assert table._rates[1].used(left[100], table._clock() // 1000) == 2


def test_two_limits_of_one_scope_and_window_are_the_lower() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(2, per=60, scope="s")
    @app.ratelimit(9, per=60, scope="s")
    @app.ratelimit(8, per=60, scope="k", key_func=lambda request: "k")
    @app.ratelimit(5, per=60, scope="k", key_func=lambda request: "k".lower())
    async def index():
        return "served"

    client = app.test_client()

    assert [client.get("/").headers["ratelimit-remaining"] for _ in range(2)] == ["1", "0"]
    assert client.get("/").status_code == 429


def test_a_request_may_cost_more_than_one() -> None:
    app = application()

    @app.get("/cheap")
    @app.ratelimit(10, per=60, scope="work")
    async def cheap():
        return "served"

    @app.get("/dear")
    @app.ratelimit(10, per=60, scope="work", cost=4)
    async def dear():
        return "served"

    client = app.test_client()

    assert [client.get("/dear").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/cheap").headers["ratelimit-remaining"] == "1"


def test_a_token_bucket_lets_a_burst_through_and_refills_evenly() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(60, per=60, algorithm="token-bucket", burst=3)
    async def index():
        return "served"

    client = app.test_client()
    answers = [client.get("/") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[0].headers["ratelimit-limit"] == "3"


# ── where decorators stand ──────────────────────────────────────────────────────────────────────────────────────────


def _wrapped(function: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    @functools.wraps(function)
    async def wrapper(*args: object, **kwargs: object) -> object:
        return await function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize("place", ["above the route", "below the route", "below a wrapper", "above a wrapper"])
def test_a_limit_holds_wherever_it_stands(place: str) -> None:
    app = application()
    limit, route = app.ratelimit(1, per=60), app.get("/")

    async def index():
        return "served"

    orders = {
        "above the route": (route, limit),
        "below the route": (limit, route),
        "below a wrapper": (limit, _wrapped, route),
        "above a wrapper": (route, _wrapped, limit),
    }
    function = index
    for decorator in orders[place]:
        function = decorator(function)

    assert statuses(app, "/", 2) == [200, 429]


@pytest.mark.parametrize("decorator", ["app.ratelimit", "app.ratelimit_exempt"])
def test_a_limit_that_stands_on_no_route_is_an_error(decorator: str) -> None:
    app = application()
    decorate = app.ratelimit(1, per=60) if decorator == "app.ratelimit" else app.ratelimit_exempt

    @decorate
    async def forgotten():
        return "served"

    with pytest.raises(RegistrationError, match=decorator):
        app.freeze()


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"requests": 0, "per": 60}, "whole number of requests"),
        ({"requests": True, "per": 60}, "whole number of requests"),
        ({"requests": 1.5, "per": 60}, "whole number of requests"),
        ({"requests": 1, "per": 0}, "0.001 to 86,400 seconds"),
        ({"requests": 1, "per": float("inf")}, "0.001 to 86,400 seconds"),
        ({"requests": 1, "per": float("nan")}, "0.001 to 86,400 seconds"),
        ({"requests": 1, "per": "60"}, "0.001 to 86,400 seconds"),
        ({"requests": 1, "per": True}, "0.001 to 86,400 seconds"),
        ({"requests": 1, "per": 60, "scope": " "}, "scope"),
        ({"requests": 1, "per": 60, "scope": 5}, "scope"),
        ({"requests": 1, "per": 60, "key_func": "ip"}, "key_func"),
        ({"requests": 1, "per": 60, "algorithm": "leaky"}, "algorithm"),
        ({"requests": 1, "per": 60, "burst": 5}, "burst"),
        ({"requests": 1, "per": 60, "algorithm": "token-bucket", "burst": 0}, "burst"),
        ({"requests": 1, "per": 60, "cost": 2}, "cost of 1 to 1"),
        ({"requests": 1, "per": 60, "cost": 0}, "cost"),
        ({"requests": 10**9, "per": 3600}, "exact"),
    ],
)
def test_a_limit_that_could_not_be_counted_is_refused_at_once(arguments: dict[str, Any], advice: str) -> None:
    app = application()

    with pytest.raises(ValueError, match=advice):
        app.ratelimit(arguments.pop("requests"), **arguments)


def test_a_limit_after_the_first_request_comes_too_late() -> None:
    app = application()
    app.freeze()

    with pytest.raises(FrozenError):
        app.ratelimit(1, per=60)
    with pytest.raises(FrozenError):
        app.ratelimit_exempt(lambda: None)


# ── defaults ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_default_holds_for_each_route_that_has_no_limit_of_its_own() -> None:
    app = application(RATE_LIMIT_DEFAULT=["2/60", "50/3600"])

    @app.get("/one")
    async def one():
        return "served"

    @app.get("/two")
    async def two():
        return "served"

    @app.get("/own")
    @app.ratelimit(3, per=60)
    async def own():
        return "served"

    @app.get("/exempt")
    @app.ratelimit_exempt
    async def exempt():
        return "served"

    assert statuses(app, "/one", 3) == [200, 200, 429]
    assert statuses(app, "/two", 3) == [200, 200, 429]
    assert statuses(app, "/own", 4) == [200, 200, 200, 429]
    assert statuses(app, "/exempt", 9) == [200] * 9
    assert statuses(app, "/nothing", 9) == [404] * 9


def test_a_route_cannot_be_limited_and_exempt() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60)
    @app.ratelimit_exempt
    async def index():
        return "served"

    with pytest.raises(RegistrationError, match="exempt from rate limits"):
        app.freeze()


# ── stores ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Elsewhere:
    """A store that is not this process's memory, and does not always answer. The limits ask no more of it."""

    def __init__(self) -> None:
        self.shared = MemoryStore()
        self.down = False
        self.asked = 0
        self.closed = False

    async def hit(self, counters: Sequence[Counter], /) -> tuple[Verdict, ...]:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("it was unplugged")
        return await self.shared.hit(counters)

    async def aclose(self) -> None:
        self.closed = True


def with_store(app: Flasgo[Settings]) -> Elsewhere:
    """As if RATE_LIMIT_STORE had opened it."""
    store = Elsewhere()
    app.stores._by_url[app.settings.RATE_LIMIT_STORE] = cast("Store", store)
    return store


def test_a_store_that_is_shared_counts_for_all() -> None:
    first, second = application(), application()
    for app in (first, second):

        @app.get("/")
        @app.ratelimit(3, per=60)
        @app.ratelimit(9, per=60, algorithm="token-bucket")
        async def index():
            return "served"

    store = with_store(first)
    with_store(second).shared = store.shared

    assert statuses(first, "/", 2) == [200, 200]
    assert statuses(second, "/", 2) == [200, 429]
    assert second.test_client().get("/").headers["retry-after"] in {"59", "60"}


def test_a_store_that_does_not_answer_lets_requests_in_and_each_process_counts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(3, per=60)
    async def index():
        return "served"

    store = with_store(app)
    store.down = True
    with caplog.at_level(logging.WARNING, "flasgo.security"):
        assert statuses(app, "/", 4) == [200, 200, 200, 429]

    assert store.asked == 1  # not each request waits for it
    assert security_events(caplog) == ["rate-limit-store-unavailable", "rate-limit-exceeded"]
    assert vars(caplog.records[0])["fields"]["reason"] == "it was unplugged"


def test_a_strict_limit_refuses_while_the_store_does_not_answer() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(3, per=60, strict=True)
    async def index():
        return "served"

    store = with_store(app)
    store.down = True
    client = app.test_client()
    refused = client.get("/", headers={"accept": "application/json"})

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["code"] == "store_unavailable"
    assert "unplugged" not in refused.text
    store.down = False
    assert [client.get("/").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_keys_are_counted_in_the_store() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=lambda request: request.headers.get("x-key"))
    async def index():
        return "served"

    store = with_store(app)
    client = app.test_client()

    assert [client.get("/", headers={"x-key": key}).status_code for key in "aab"] == [200, 429, 200]
    assert store.asked == 3


def test_the_store_is_closed_when_the_application_ends() -> None:
    app = application()
    store = with_store(app)

    @app.get("/")
    async def index():
        return "served"

    with app.test_client() as client:
        assert client.get("/").status_code == 200
        assert not store.closed
    assert store.closed


def test_sqlite_is_named_by_its_url(tmp_path) -> None:
    apps = [application(RATE_LIMIT_STORE=f"sqlite:///{tmp_path}/limits.db") for _ in range(2)]
    for app in apps:

        @app.get("/")
        @app.ratelimit(3, per=60)
        async def index():
            return "served"

    with apps[0].test_client() as one, apps[1].test_client() as other:
        answers = [one.get("/"), other.get("/"), one.get("/"), other.get("/")]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


# ── what others read ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_knows_what_its_limits_said() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(5, per=60)
    async def index(request: Request):
        decision = request.rate_limit
        assert decision is not None
        return {"left": decision.remaining, "allowed": decision.allowed}

    @app.get("/free")
    async def free(request: Request):
        return {"limited": request.rate_limit is not None}

    client = app.test_client()

    assert client.get("/").json() == {"left": 4, "allowed": True}
    assert client.get("/free").json() == {"limited": False}


def test_the_user_of_the_request_may_be_its_key() -> None:
    app = application()

    @app.before_request
    async def who(request: Request) -> None:
        name = request.headers.get("x-user")
        if name:
            request.user = User(id=name, is_authenticated=True)

    @app.get("/me")
    @app.ratelimit(1, per=60, key_func=lambda req: req.user.id if req.user else req.client_ip)
    async def me():
        return {"ok": True}

    client = app.test_client()

    assert [client.get("/me", headers={"x-user": name}).status_code for name in "aabc"] == [200, 429, 200, 200]
    assert [client.get("/me").status_code for _ in range(2)] == [200, 429]


def test_a_rule_describes_itself() -> None:
    rule = RateLimitRule(5, 60, scope="login", key_func=str, cost=2, algorithm="token-bucket", burst=9, strict=True)

    assert str(rule) == "5/60s burst 9 cost 2 in 'login' by key strict"
    assert str(RateLimitRule(5, 0.5)) == "5/0.5s"


def _table(app: Flasgo[Settings]):
    store = app.stores.open(app.settings.RATE_LIMIT_STORE)
    assert isinstance(store, MemoryStore)
    return store.counters


def test_the_static_files_of_a_page_are_not_counted_by_default_rules(tmp_path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    app = application(RATE_LIMIT_DEFAULT=("1/60",))
    app.configure_static(tmp_path, url_path="/assets")

    assert statuses(app, "/assets/a.css", 5) == [200] * 5


def test_a_blueprint_has_defaults_of_its_own() -> None:
    app = application(RATE_LIMIT_DEFAULT=("9/60",))
    shop = Blueprint("shop", url_prefix="/shop", defaults=[RateLimitDefault((RateLimitRule(1, 60),))])

    @shop.get("/one")
    async def one():
        return "served"

    @shop.get("/two")
    @shop.ratelimit(3, per=60)
    async def two():
        return "served"

    @shop.get("/free")
    @shop.ratelimit_exempt
    async def free():
        return "served"

    app.register_blueprint(shop)

    assert statuses(app, "/shop/one", 2) == [200, 429]
    assert statuses(app, "/shop/two", 4) == [200, 200, 200, 429]
    assert statuses(app, "/shop/free", 4) == [200] * 4


async def test_limits_by_address_are_counted_before_authentication_and_those_by_key_after(call) -> None:
    app = application()
    validated = []

    def validate(token: str) -> User | None:
        validated.append(token)
        return User(id=token, is_authenticated=True) if token != "wrong" else None

    app.register_auth_backend("bearer", bearer_token_backend(validate))

    @app.get("/me")
    @app.authorize(backend="bearer")
    @app.ratelimit(4, per=60)
    @app.ratelimit(1, per=60, key_func=lambda request: request.user.id)
    async def me():
        return "served"

    async def status(token: bytes):
        return (
            await call(app, "/me", headers=[(b"host", b"localhost"), (b"authorization", b"Bearer " + token)])
        ).status

    assert [await status(token) for token in (b"ada", b"ada", b"wrong", b"bob", b"eve")] == [200, 429, 401, 200, 429]
    assert validated == ["ada", "ada", "wrong", "bob"]


def test_limits_by_key_and_by_address_are_asked_of_one_store() -> None:
    app = application()

    async def key(request: Request) -> str | None:
        return request.headers.get("x-key")

    @app.get("/")
    @app.ratelimit(5, per=60, key_func=key)
    @app.ratelimit(9, per=60)
    async def index():
        return "served"

    store = with_store(app)
    answers = [app.test_client().get("/", headers={"x-key": "k"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["ratelimit-limit"] == "5"
    assert answers[0].headers.getlist("ratelimit-limit") == ["5"]
    assert store.asked == 12


def test_the_stages_say_what_they_may_answer() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(5, per=60, strict=True)
    @app.ratelimit(5, per=60, key_func=str)
    async def index():
        return "served"

    @app.get("/free")
    async def free():
        return "served"

    with_store(app)
    stages = [stage for stage in app.freeze().around(None).stages if isinstance(stage, LimitStage)]
    limited, free_route = app.routes

    assert [stage.rejections(limited) for stage in stages] == [
        (TooManyRequests, StoreUnavailable),
        (TooManyRequests,),
    ]
    assert [stage.rejections(free_route) for stage in stages] == [(), ()]
    assert [stage.rejections(None) for stage in stages] == [(), ()]


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_limiter_counts_by_hand() -> None:
    app = application()
    limiter = RateLimiter()

    async def by_header(request: Request) -> str | None:
        return request.headers.get("x-key")

    rules = [(RateLimitRule(2, 60), "mails"), (RateLimitRule(3, 60, scope="all", key_func=by_header), "mails")]

    @app.get("/")
    async def index(request: Request):
        decision = await limiter.check_batch(rules, request)
        return Response("", status_code=200 if decision.allowed else 429, headers=rate_limit_success_headers(decision))

    client = app.test_client()
    answers = [client.get("/", headers={"x-key": "k"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]


async def test_a_limiter_never_pools_clients_that_are_not_known() -> None:
    limiter = RateLimiter(max_keys=10)
    stranger = Request.of({"type": "http", "headers": [], "client": None, "path": "/", "method": "GET"}, no_body)

    decisions = [await limiter.check(RateLimitRule(1, 60), stranger, endpoint_id="x") for _ in range(3)]

    assert [decision.allowed for decision in decisions] == [True] * 3


async def test_a_limiter_needs_a_rule() -> None:
    stranger = Request.of({"type": "http", "headers": [], "client": None, "path": "/", "method": "GET"}, no_body)

    with pytest.raises(RegistrationError, match="one rule at least"):
        await RateLimiter().check_batch([], stranger)


async def no_body() -> Message:
    return {"type": "http.disconnect"}


# ── attacks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_two_hundred_thousand_addresses_of_one_network_are_one_client() -> None:
    table = CounterTable()
    rate = table.rate("window", 100, 60)
    admitted = 0
    for number in range(200_000):
        key = client_key(f"2001:db8:0:1:{number & 0xFFFF:x}:{number >> 16:x}:0:1")
        assert key is not None
        admitted += table.take(key, rate)[0] == 0

    assert admitted == 100
    assert len(table) == 1


@pytest.mark.slow
def test_the_coming_of_300_000_clients_frees_none_that_is_limited_and_memory_stays_bounded() -> None:
    table = CounterTable()
    rate = table.rate("window", 5, 3600)
    for _ in range(5):
        table.take("limited", rate)
    tracemalloc.start()
    try:
        for number in range(300_000):
            assert table.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", rate)[0] == 0
        size, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(table) == 100_000
    assert table.take("limited", rate)[0] > 0
    assert size < 100_000 * 250
    assert peak < 100_000 * 500


def test_a_plain_key_func_may_give_an_awaitable() -> None:
    app = application()

    async def tenant(request: Request) -> str:
        return request.headers["x-tenant"]

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=lambda request: tenant(request))
    async def index():
        return "served"

    client = app.test_client()

    assert [client.get("/", headers={"x-tenant": key}).status_code for key in "aab"] == [200, 429, 200]


@pytest.mark.parametrize("order", [(2, 5), (5, 2)])
def test_of_two_rules_for_the_same_counts_the_lower_holds(order: tuple[int, int]) -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(order[0], per=60, scope="same")
    @app.ratelimit(order[1], per=60, scope="same")
    async def index() -> str:
        return "in"

    assert statuses(app, "/", 4) == [200, 200, 429, 429]


def test_of_several_keys_one_that_nobody_knows_is_not_counted(caplog: pytest.LogCaptureFixture) -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(1, per=60, key_func=lambda request: None)
    @app.ratelimit(2, per=60, key_func=lambda request: "somebody")
    async def index() -> str:
        return "in"

    client = app.test_client(client=None)
    assert [client.get("/").status_code for _ in range(3)] == [200, 200, 429]
    assert security_events(caplog).count("rate-limit-client-unknown") == 1


def test_large_numbers_are_told_as_they_are_and_small_ones_remembered_up_to_an_end() -> None:
    app = application()

    @app.get("/")
    @app.ratelimit(100_000, per=60)
    async def index() -> str:
        return "in"

    assert app.test_client().get("/").headers["x-ratelimit-remaining"] == "99999"
    pairs = Pairs(b"name")
    made = [pairs.make(number) for number in range(KEPT + 2)]
    assert made[-1] == ((b"name", b"4097"), (b"x-name", b"4097"))
    assert len(pairs.kept) == KEPT


def test_an_answer_that_no_limit_was_asked_about_is_left_as_it_is() -> None:
    async def receive() -> Message:
        raise AssertionError

    response = Response("text")
    before = list(response.raw)
    finish(Request.of({"type": "http", "method": "GET", "path": "/", "headers": []}, receive), response)
    assert response.raw == before
