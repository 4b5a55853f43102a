"""The blog as an application factory. Serve it with `flasgo run app.py`."""

import os
from pathlib import Path

from flasgo import Flasgo, session_backend

from . import accounts, posts, sample
from .database import find_author, prepare
from .pages import furnish
from .settings import BlogSettings

HERE = Path(__file__).parent

AT_HOME = {"FLASGO_SESSION_COOKIE_SECURE": "false", "FLASGO_CSRF_COOKIE_SECURE": "false"}
"""For http on this machine. Set both to true where the blog is served over https."""


def create_app(settings: BlogSettings | None = None) -> Flasgo[BlogSettings]:
    """The blog of one data folder, which is made where there is none; the environment says what `settings` does not."""
    settings = settings or BlogSettings.from_env({**AT_HOME, **os.environ})
    prepare(settings.data)
    app = Flasgo(settings=settings, templates=HERE / "templates", static_folder=HERE / "static")
    backend = session_backend(
        lambda id_: find_author(settings.data, id_),
        stamp=lambda author: author.password_hash,
        login_url="/account/login",
    )
    app.register_auth_backend("default", backend)
    app.register_blueprint(accounts.blueprint)
    app.register_blueprint(posts.blueprint)
    furnish(app)
    app.cli.add_command(sample.add_sample_posts)
    return app
