"""TemplateStream: a response that is sent while its template is rendered."""

from collections.abc import AsyncIterator, Iterator, Mapping

from flasgo.http.asgi import Send, response_body, response_start
from flasgo.response import NO_FIELDS, Response
from flasgo.templating.engine import JinjaTemplates
from flasgo.templating.names import variables

PIECE = 16_384
"""Characters that are collected before they are sent."""


class TemplateStream(Response):
    """Its first piece is rendered when it is made, so that what fails at once is answered as any error, and a session or CSRF token
    that the first piece asks for is still in time for the header fields. A failure after that breaks the connection off, so
    that nobody takes half a page for a whole one.

    With `enable_async` nothing can be rendered before it is sent: there, look at the session in the handler.
    """

    def __init__(self, templates: JinjaTemplates, name: str, context: Mapping[str, object]) -> None:
        super().__init__(content_type="text/html; charset=utf-8")
        page = templates.get_template(name)
        given = variables(context)
        self.later: AsyncIterator[str] | Iterator[str]
        self.first = ""
        if templates.environment.is_async:
            self.later = page.generate_async(given)
        else:
            self.later = page.generate(given)
            self.first = _piece(self.later)

    async def send(self, send: Send, *, fields: Mapping[bytes, bytes] = NO_FIELDS, head_only: bool = False) -> None:  # noqa: ARG002 - of `Response.send`
        await send(response_start(self.status_code, self.sent_fields()))
        if not head_only:
            async for piece in self._pieces():
                await send(response_body(piece.encode(), more_body=True))
        await send(response_body(b""))

    async def _pieces(self) -> AsyncIterator[str]:
        if self.first:
            yield self.first
        if isinstance(self.later, Iterator):
            while piece := _piece(self.later):
                yield piece
            return
        waiting: list[str] = []
        length = 0
        async for text in self.later:
            waiting.append(text)
            length += len(text)
            if length >= PIECE:
                yield "".join(waiting)
                waiting.clear()
                length = 0
        yield "".join(waiting)


def _piece(texts: Iterator[str]) -> str:
    """The next piece; empty at the end."""
    found: list[str] = []
    length = 0
    for text in texts:
        found.append(text)
        length += len(text)
        if length >= PIECE:
            break
    return "".join(found)
