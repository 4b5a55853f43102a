"""`render_template` and its kin as functions: with the application that answers the current request, or with folders of their own."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast, overload

from markupsafe import Markup

from flasgo.context import current_request
from flasgo.response import Response
from flasgo.templating.engine import MAX_TEMPLATE_BYTES, EnvironmentOptions, JinjaTemplates
from flasgo.templating.lookup import Folder
from flasgo.templating.site import TemplateSite


def _site(caller: str) -> TemplateSite:
    return cast("TemplateSite", current_request(caller).app)


@overload
def render_template(
    template_name: str,
    *,
    template_dirs: Folder | Sequence[Folder],
    context: Mapping[str, object] | None = None,
    globals: Mapping[str, object] | None = None,
    filters: Mapping[str, Callable[..., object]] | None = None,
    tests: Mapping[str, Callable[..., object]] | None = None,
    enable_async: bool = False,
    max_template_bytes: int = MAX_TEMPLATE_BYTES,
) -> Markup: ...
@overload
def render_template(template_name: str, context: Mapping[str, object] | None = None) -> Markup: ...
@overload
def render_template(
    template_name: str, context: Mapping[str, object] | None = None, /, **variables: object
) -> Markup: ...
def render_template(  # type: ignore[misc] # variables of these two names go into the mapping
    template_name: str, context: Mapping[str, object] | None = None, **variables: object
) -> Markup:
    """Render a template of the current application, with the mapping's items and the keywords as its variables.

    With `template_dirs` it is one of these folders, for which an environment is made each time: keep a JinjaTemplates instead where it is
    done often; the other keywords are then those of JinjaTemplates.

    Raises RuntimeError outside a request (call `app.render_template` there), TemplateNotFound.
    """
    if "template_dirs" in variables:
        folders = cast("Sequence[Folder]", variables.pop("template_dirs"))
        return JinjaTemplates(folders, **cast("EnvironmentOptions", variables)).render(template_name, context)
    return _site("render_template").render_template(template_name, context, **variables)


async def render_template_async(
    template_name: str, context: Mapping[str, object] | None = None, /, **variables: object
) -> Markup:
    """`Flasgo.render_template_async` of the application that answers the current request."""
    return await _site("render_template_async").render_template_async(template_name, context, **variables)


def stream_template(
    template_name: str, context: Mapping[str, object] | None = None, /, **variables: object
) -> Response:
    """`Flasgo.stream_template` of the application that answers the current request."""
    return _site("stream_template").stream_template(template_name, context, **variables)
