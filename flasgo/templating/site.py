"""TemplateSite: what an application knows of templates."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, Unpack, overload

from markupsafe import Markup

from flasgo.context import current
from flasgo.pageform import FormWords
from flasgo.plan.signature import arity, call_of, check_answers, source_of
from flasgo.response import Response
from flasgo.routing.blueprint import Blueprint
from flasgo.routing.router import Router
from flasgo.templating.engine import EnvironmentOptions, JinjaTemplates
from flasgo.templating.lookup import Folder
from flasgo.templating.streaming import TemplateStream

W = TypeVar("W", bound=FormWords)


class TemplateSite(Router):
    """A router with templates."""

    templates: JinjaTemplates | None = None
    """What `configure_templates` has made."""
    _watch_templates: bool = False
    _form_words: FormWords | None = None

    def form_message(self, function: W) -> W:
        """Let a plain `function(problem)` say what is wrong with the forms of pages: a FormProblem → a sentence, or None for the usual one.

        It is called in the request, whose language it may look for. Raises RegistrationError for what cannot be called so, and FrozenError.
        """
        self._check_open("words for forms")
        check_answers(function, "What words forms", "return the sentence.")
        arity(function, allowed=range(1, 2), role="What words forms")
        if call_of(function) != "sync":
            raise source_of(function).mistake("what words forms is called while one is read: make it a plain function.")
        self._form_words = function
        return function

    def configure_templates(
        self, template_dirs: Folder | Sequence[Folder], **options: Unpack[EnvironmentOptions]
    ) -> JinjaTemplates:
        """Look for templates in these folders, seen from the working directory, and then in those of blueprints.

        Files are watched where DEBUG is on, unless `auto_reload` says otherwise. Raises ValueError for folders that are none,
        FrozenError after the first request.
        """
        self._check_open("a folder of templates")
        options.setdefault("auto_reload", self._watch_templates)
        return self._use_templates(JinjaTemplates(template_dirs, **options))

    def _use_templates(self, templates: JinjaTemplates) -> JinjaTemplates:
        self.templates = templates
        self._furnish()
        return templates

    def register_blueprint(
        self, blueprint: Blueprint, *, url_prefix: str | None = None, name: str | None = None
    ) -> None:
        super().register_blueprint(blueprint, url_prefix=url_prefix, name=name)
        self._furnish()

    def _furnish(self) -> None:
        """Give the templates what application and blueprints have for them; the application's own comes first, then in the order of registration."""
        mounts = self._mounts.values()
        folders = [mount.template_folder for mount in mounts if mount.template_folder is not None]
        if self.templates is None:
            if not folders:
                return
            self.templates = JinjaTemplates(folders, auto_reload=self._watch_templates)
        for folder in folders:
            self.templates.add_folder(folder)
        self.templates.furnish(self._furniture, replacing=True)
        for mount in mounts:
            self.templates.furnish(mount.furniture, replacing=False)

    def _ready(self) -> JinjaTemplates:
        if self.templates is None:
            raise RuntimeError(
                "This application has no templates: call app.configure_templates('templates') once, before the first request."
            )
        return self.templates

    def _variables(self, context: Mapping[str, object] | None, more: Mapping[str, object]) -> dict[str, object]:
        """What is given to a template. Outside a request, the application stands in for it as far as it can."""
        found: dict[str, object] = {}
        if current.get(None) is None:
            found["url_for"] = self.url_for
            for processor in self._furniture.processors:
                found.update(processor())
        return {**found, **(context or {}), **more}

    @overload
    def render_template(self, template_name: str, context: Mapping[str, object] | None = None) -> Markup: ...
    @overload
    def render_template(
        self, template_name: str, context: Mapping[str, object] | None = None, /, **variables: object
    ) -> Markup: ...
    def render_template(  # type: ignore[misc] # variables of these two names go into the mapping
        self, template_name: str, context: Mapping[str, object] | None = None, **variables: object
    ) -> Markup:
        """Render a template, with the mapping's items and the keywords as its variables.

        It is done where it is called: in a plain handler in its thread, in an async one on the event loop, which is right for pages of
        ordinary size; `stream_template` is for large ones. Raises RuntimeError without templates, TemplateNotFound.
        """
        return self._ready().render(template_name, self._variables(context, variables))

    async def render_template_async(
        self, template_name: str, context: Mapping[str, object] | None = None, /, **variables: object
    ) -> Markup:
        """`render_template`, for templates that await: needs `configure_templates(…, enable_async=True)`."""
        return await self._ready().render_async(template_name, self._variables(context, variables))

    def stream_template(
        self, template_name: str, context: Mapping[str, object] | None = None, /, **variables: object
    ) -> Response:
        """A response that sends a template while it is rendered, in pieces of about 16 KiB: the page is never in memory as a whole."""
        return TemplateStream(self._ready(), template_name, self._variables(context, variables))
