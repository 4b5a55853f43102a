"""What checkers see of templates, forms of pages and flashed messages."""

from pathlib import Path

from jinja2 import Template as JinjaTemplate
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from msgspec import Struct
from typing_extensions import assert_type

from flasgo import (
    Blueprint,
    Flasgo,
    JinjaTemplates,
    PageForm,
    Request,
    Response,
    Settings,
    Template,
    create_template_environment,
    get_flashed_messages,
    make_response,
    render_template,
    stream_template,
)


class Signup(Struct):
    email: str


def rendered(app: Flasgo[Settings], values: dict[str, str]) -> None:
    assert_type(app.configure_templates(Path("templates")), JinjaTemplates)
    assert_type(app.templates, JinjaTemplates | None)
    assert_type(app.render_template("a.html", {"a": 1}), Markup)
    assert_type(app.render_template("a.html", context={"a": 1}), Markup)
    assert_type(app.render_template("a.html", **values), Markup)
    assert_type(render_template("a.html", a=1), Markup)
    assert_type(render_template("a.html", template_dirs=["a", Path("b")], context={"a": 1}), Markup)
    assert_type(stream_template("a.html"), Response)
    assert_type(Response.template("a.html", templates=app.templates, context={"a": 1}), Response)
    assert_type(make_response("text", 201), Response)


def made(templates: JinjaTemplates) -> None:
    assert_type(templates.environment, ImmutableSandboxedEnvironment)
    assert_type(create_template_environment("a"), ImmutableSandboxedEnvironment)
    assert_type(templates.get_template("a"), Template)
    assert_type(templates.get_template("a"), JinjaTemplate)


def messages() -> None:
    assert_type(get_flashed_messages(), list[str])
    assert_type(get_flashed_messages(with_categories=True), list[tuple[str, str]])


async def submitted(request: Request) -> None:
    form = await request.form_as(Signup)
    assert_type(form, PageForm[Signup])
    assert_type(form.value, Signup | None)
    assert_type(form["email"], str)


blueprint = Blueprint("pages")


@blueprint.template_filter("shout")
def shout(value: str) -> str:
    return value.upper()


@blueprint.template_test
def loud(value: str) -> bool:
    return value.isupper()


assert_type(shout("a"), str)
assert_type(loud("a"), bool)
