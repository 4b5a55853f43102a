"""Routes that answer in several forms: whoever takes none of them is told before anything is done for him (RFC 9110 §15.5.7)."""

from flasgo.errors import HTTPException, NotAcceptable
from flasgo.http.headers import add_vary
from flasgo.pipeline.stage import GateStep, Part
from flasgo.plan.model import Route
from flasgo.plan.produces import Produces
from flasgo.request import Request
from flasgo.response import Response


class Negotiation:
    """The stage that lets in whoever takes one of a route's forms, and says that the answer depends on what he takes."""

    @staticmethod
    def compile(route: Route | None, /) -> Part | None:
        produces = None if route is None else route.option(Produces)
        if produces is None:
            return None
        chosen, offers = produces.chosen, ", ".join(produces.offers)

        def gate(request: Request) -> None:
            if chosen(request.headers.get("accept")) is None:
                raise NotAcceptable(f"This is to be had as {offers}. Name one of them in Accept.")

        return Part((GateStep(gate),), finisher=_vary)

    @staticmethod
    def rejections(route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return () if route is None or route.option(Produces) is None else (NotAcceptable,)


def _vary(_request: Request, response: Response) -> None:
    add_vary(response.raw, "Accept")
