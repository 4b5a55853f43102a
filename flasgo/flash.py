"""Messages for the next page that shows them: kept in the session until they are read, once."""

from collections.abc import Iterable
from typing import Literal, overload

from flasgo.context import current_request

KEY = "_flashes"

MAX_WAITING = 20
"""Messages that wait in one session: the oldest go first when nobody reads them. A session must fit into a cookie."""


def flash(message: str, category: str = "message") -> None:
    """Show `message` to this visitor on the next page that asks for messages. It is text: a template escapes it."""
    session = current_request("flash()").session
    session[KEY] = [*(session.get(KEY) or ()), [category, str(message)]][-MAX_WAITING:]


@overload
def get_flashed_messages(with_categories: Literal[False] = False, category_filter: Iterable[str] = ()) -> list[str]: ...
@overload
def get_flashed_messages(
    with_categories: Literal[True], category_filter: Iterable[str] = ()
) -> list[tuple[str, str]]: ...
def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """The messages that wait for this visitor, taken out of the session by the first call in a request; later calls give them again.

    `with_categories` gives pairs of category and message; `category_filter` names the categories to give, all when it is empty.
    """
    request = current_request("get_flashed_messages()")
    if request.flashed is None:
        session = request.session
        taken = session.pop(KEY) if KEY in session else ()
        request.flashed = tuple((str(category), str(message)) for category, message in taken)
    wanted = frozenset(category_filter)
    found = [pair for pair in request.flashed if not wanted or pair[0] in wanted]
    return found if with_categories else [message for _, message in found]
