from typing import Any

import pytest

from flasgo.errors import ClientDisconnected, FlasgoError, HTTPException, InternalServerError, NotFound
from flasgo.pipeline.errors import ErrorHandlers, ErrorNet, built_in_answer
from flasgo.pipeline.hooks import Hook, error_hook
from flasgo.pipeline.threads import ThreadPool
from flasgo.request import Request, Terms


def request(accept: str = "*/*", *, path: str = "/", terms: Terms | None = None) -> Request:
    async def receive() -> Any:
        raise AssertionError

    scope: Any = {"type": "http", "method": "GET", "path": path, "headers": [(b"accept", accept.encode())]}
    return Request.of(scope, receive, terms or Terms())


def hooks(*kinds: Any) -> tuple[ErrorHandlers, dict[Any, Hook]]:
    made = {kind: error_hook(lambda error: "") for kind in kinds}
    return (
        ErrorHandlers(
            {kind: hook for kind, hook in made.items() if isinstance(kind, type)},
            {kind: hook for kind, hook in made.items() if isinstance(kind, int)},
        ),
        made,
    )


class Missing(NotFound):
    pass


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        ((Missing, 404, NotFound), Missing),
        ((404, NotFound, HTTPException), 404),
        ((NotFound, HTTPException), NotFound),
        ((HTTPException, FlasgoError, Exception), HTTPException),
        ((Exception,), Exception),
        ((405, ValueError), None),
    ],
)
def test_own_class_then_status_then_base_classes(kinds, found):
    handlers, made = hooks(*kinds)
    assert handlers.find(Missing()) is made.get(found)


def test_the_status_is_asked_of_answers_alone():
    handlers, _ = hooks(500)
    assert handlers.find(ValueError()) is None
    assert handlers.find(InternalServerError()) is not None


async def test_nobody_is_answered_who_has_left():
    net = ErrorNet(hooks(Exception)[0], ThreadPool(1))
    with pytest.raises(ClientDisconnected):
        await net.answer(request(), ClientDisconnected("gone"))


def test_the_built_in_answer_has_a_code_for_logs_and_metrics():
    response = built_in_answer(request(), NotFound())
    assert (response.status_code, response.error_code) == (404, "not_found")


def test_a_path_with_lone_surrogates_can_be_told():
    """No server of ours makes such a path; others may, and the answer must not fail."""
    response = built_in_answer(request("application/json", path="/\udcff"), NotFound())
    assert b'"instance":"/%3F"' in response.body


async def test_the_last_answer_never_raises():
    net = ErrorNet(hooks()[0], ThreadPool(1))
    for error in (ValueError(), HTTPException(400, "no", {"a b": "c"})):
        response = await net.last_answer(request(), error)
        assert (response.status_code, response.body) == (500, b"Internal Server Error")
