"""`app_context`: an application where there is no request, for scripts, commands and tests; and what is closed when it ends."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from flasgo.context import Apart, apart
from flasgo.pipeline.hooks import Hook, teardown_hook
from flasgo.plan.signature import source_of

F = TypeVar("F", bound=Callable[..., object])


class AppContext:
    """The part of an application that stands in for a request's."""

    _teardown: list[Hook]

    def __init__(self) -> None:
        self._closers: list[Hook] = []

    def _check_open(self, what: str) -> None:
        """Raise FrozenError when nothing may be registered any more."""
        raise NotImplementedError  # pragma: no cover - every application says it

    def teardown_appcontext(self, function: F) -> F:
        """`teardown_request`, and the same at the end of each `with app.app_context():`, for what was put into `g`.

        Raises RegistrationError for a coroutine function: where there is no request, there may be no event loop.
        """
        self._check_open("a teardown_appcontext hook")
        hook = teardown_hook(function)
        if hook.call != "sync":
            raise source_of(function).mistake(
                "a teardown_appcontext hook is called without an event loop, too: make it a plain function, or take teardown_request."
            )
        self._teardown.append(hook)
        self._closers.append(hook)
        return function

    @contextmanager
    def app_context(self) -> Generator[None]:
        """Inside the `with`, `current_app`, `url_for` and `g` are of this application where there is no request: for scripts and commands."""
        token = apart.set(Apart(self))
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                with ExitStack() as stack:  # the last registered first, all of them, whatever fails
                    for hook in self._closers:
                        stack.callback(hook, error)
            finally:
                apart.reset(token)
