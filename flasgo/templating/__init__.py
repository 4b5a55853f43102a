"""Templates: Jinja2, sandboxed, strict, autoescaped, confined to their folders; loaded by the first use."""

from flasgo.templating.engine import JinjaTemplates, create_template_environment
from flasgo.templating.render import render_template, render_template_async, stream_template

__all__ = [
    "JinjaTemplates",
    "create_template_environment",
    "render_template",
    "render_template_async",
    "stream_template",
]
