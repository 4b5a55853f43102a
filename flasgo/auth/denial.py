"""What somebody is told who may not: 401 with what would prove who he is, 403 where that is known, or the way to the login page."""

from collections.abc import Callable
from typing import NoReturn
from urllib.parse import quote

from flasgo.errors import Forbidden, HTTPException, Unauthorized
from flasgo.events import SecurityLog
from flasgo.http.media import preferred_format
from flasgo.http.url import PATH_SAFE
from flasgo.request import Request

READING = frozenset({"GET", "HEAD"})


def deny(
    request: Request,
    *,
    log: SecurityLog,
    login_url: str | None = None,
    weak: Callable[[Request], str | None] | None = None,
) -> NoReturn:
    """Raise Unauthorized for a stranger and Forbidden for anybody else.

    `weak` gives the challenge for credentials that are good, but not for this. A stranger who reads a page goes to `login_url`, where there is one, with the way back in `next`.
    """
    log.write("permission-denied", request)
    if request.user.is_authenticated:
        challenge = None if weak is None else weak(request)
        raise Forbidden(
            "This user does not have permission to do this.",
            headers=None if challenge is None else {"www-authenticate": challenge},
        )
    if (
        login_url is not None
        and request.method in READING
        and preferred_format(request.headers.get("accept")) == "html"
    ):
        raise HTTPException(303, "Log in first.", headers={"location": _with_way_back(login_url, request)})
    challenges = ", ".join(dict.fromkeys(request.challenges))
    raise Unauthorized(
        "Authentication is required. Provide valid credentials.",
        headers={"www-authenticate": challenges} if challenges else None,
    )


def _with_way_back(login_url: str, request: Request) -> str:
    query = f"?{request.query_string}" if request.query_string else ""
    back = quote(quote(request.root_path + request.path, safe=PATH_SAFE) + query, safe="/", encoding="latin-1")
    return f"{login_url}{'&' if '?' in login_url else '?'}next={back}"
