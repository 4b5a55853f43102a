"""The names that every template has. Those of a request fail, with advice, where there is none."""

from collections.abc import Mapping

from markupsafe import Markup

from flasgo.context import csp_nonce, csrf_token, current, current_request, current_user, g, request, session
from flasgo.flash import get_flashed_messages


def csrf_input() -> Markup:
    """The hidden form field that carries the CSRF token."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


def url_for(endpoint: str, /, **values: object) -> str:
    """`Flasgo.url_for` of the application that answers the current request."""
    return current_request("url_for").app.url_for(endpoint, **values)


NAMES: Mapping[str, object] = {
    "csp_nonce": csp_nonce,
    "csrf_input": csrf_input,
    "csrf_token": csrf_token,
    "current_user": current_user,
    "g": g,
    "get_flashed_messages": get_flashed_messages,
    "request": request,
    "session": session,
    "url_for": url_for,
}


def variables(context: Mapping[str, object] | None) -> dict[str, object]:
    """The variables of one rendering: those of the context processors, then those given."""
    asked = current.get(None)
    found: dict[str, object] = {}
    for processor in () if asked is None else asked.terms.processors:
        found.update(processor())
    found.update(context or {})
    return found
