"""Stages of extensions: where they may stand, and what is checked of their parts."""

import keyword
from collections.abc import Sequence
from typing import Literal, TypeAlias, cast, get_args

from msgspec import Struct

from flasgo.errors import HTTPException, RegistrationError
from flasgo.patterns import regex
from flasgo.pipeline.stage import AskStep, GateStep, Part, Securing, Stage, WorkStep
from flasgo.plan.documents import Secured
from flasgo.plan.model import Route

Place: TypeAlias = Literal["around", "before-session", "before-hooks", "before-auth", "after-auth", "before-handler"]
"""Where a stage stands, from the outside in.

"around": nothing has been checked yet, not even the host; its finisher sees every answer and only the security headers come
after it. "before-session": host and head are good. "before-hooks": the session is there and CSRF is checked.
"before-auth": the hooks have run, and limits by address. "after-auth": it is known who asks, and he may. "before-handler": the limits
by key have let him pass; its commit is the first to see the answer, before entity tags are made of it.
"""

PLACES = cast("tuple[Place, ...]", get_args(Place))

_TAKEN = frozenset({
    *("request", "scope", "fields", "response", "error", "wait", "answer", "run", "after", "afterwards", "handler", "render"),
    *("handle", "make", "value", "values", "path", "query", "header", "cookie", "body", "form", "submitted"),
    *("path_raw", "query_raw", "header_raw", "cookie_raw", "hop", "new", "Response", "content_type", "encode"),
    *("decode_body", "decode_quickly", "DecodeError", "body_later", "make_one"),
})  # fmt: skip
_NUMBERED = regex(r"(?:step|then|commit|finish|made|d|n)\d+")
"""The names that a generated handle has (pipeline/chain.py), or gives to what it has bound (binding/decode.py), provided
(pipeline/provided.py) and answers (binding/render.py).
"""


class Placed(Struct, frozen=True, eq=False):
    """A stage of an extension at its place: what it gives is checked at freeze, and blamed on the extension."""

    extension: str
    place: Place
    stage: Stage

    def compile(self, route: Route | None, /) -> Part | None:
        part: object = self.stage.compile(route)
        if part is None:
            return None
        if not isinstance(part, Part):
            raise self._mistake(route, f"gave {type(part).__name__}; give a Part, or None where it has nothing to do")
        for step in part.steps:
            if not isinstance(step, (GateStep, AskStep, WorkStep)):
                raise self._mistake(
                    route, f"has {type(step).__name__} among its steps; give GateStep, AskStep and WorkStep"
                )
        for name in part.names:
            if not name.isidentifier() or keyword.iskeyword(name) or name in _TAKEN or _NUMBERED.fullmatch(name):
                raise self._mistake(route, f"uses the name {name[:40]!r}, which is taken or none; give it another")
        whens = [part.when, *(step.when for step in part.steps if isinstance(step, GateStep))]
        self._check_source([source for source in (*whens, part.fields) if source is not None], route)
        return part

    def rejections(self, route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return self.stage.rejections(route)

    def secured(self, route: Route, /) -> Secured | None:
        return self.stage.secured(route) if isinstance(self.stage, Securing) else None

    def _check_source(self, sources: Sequence[str], route: Route | None) -> None:
        for source in sources:
            try:
                code = compile(source, "<part>", "eval")
            except SyntaxError as error:
                raise self._mistake(route, f"has source that is no Python, {source[:80]!r}: {error.msg}") from None
            if "response" in code.co_names:
                raise self._mistake(route, f"asks for the response in {source[:80]!r}; ask for the request alone")

    def _mistake(self, route: Route | None, problem: str) -> RegistrationError:
        where = "where no route matches" if route is None else f"on {route.path}"
        return RegistrationError(
            f"Extension {self.extension!r}: the part of {type(self.stage).__name__} {where} {problem}."
        )
