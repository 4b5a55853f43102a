"""BackgroundTasks: what a handler leaves to be done once its answer is sent; data only, run by pipeline/background.py."""

from collections.abc import Callable, Iterator, Mapping
from typing import ParamSpec

from msgspec import Struct

P = ParamSpec("P")


class Task(Struct, frozen=True):
    """One call that is due after the answer."""

    function: Callable[..., object]
    args: tuple[object, ...]
    kwargs: Mapping[str, object]


class BackgroundTasks:
    """Calls that are made after the answer was sent, one after the other, in the order in which they were added.

    Coroutine functions run on the loop, plain ones in a thread. One that fails is logged, and the others still run. Nothing
    runs when the request failed: when an error was answered after they were added, or the client left before the answer was
    sent. They are not kept anywhere: what must not be lost when the process ends belongs into a queue.
    """

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def add(self, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `function` with these arguments once the answer is sent."""
        self._tasks.append(Task(function, args, kwargs))

    def clear(self) -> None:
        """Forget what was added."""
        self._tasks.clear()

    def take(self) -> Iterator[Task]:
        """The tasks, each once, those included that another one adds meanwhile."""
        while self._tasks:
            yield self._tasks.pop(0)

    def __len__(self) -> int:
        return len(self._tasks)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<BackgroundTasks with {len(self._tasks)} tasks>"
