"""The dashboard as an application factory. Serve it with `flasgo run app.py`."""

import os
from pathlib import Path

from flasgo import Flasgo, session_backend

from . import incidents, overview, people, sample, services
from .database import find_person
from .look import furnish
from .settings import BoardSettings

HERE = Path(__file__).parent

USUAL = {
    # For http on this machine. Set both to true where the dashboard is served over https.
    "FLASGO_SESSION_COOKIE_SECURE": "false",
    "FLASGO_CSRF_COOKIE_SECURE": "false",
    # Nothing is shown to strangers but the login.
    "FLASGO_DEFAULT_PERMISSIONS": "IsAuthenticated",
}


def create_app(settings: BoardSettings | None = None) -> Flasgo[BoardSettings]:
    """The dashboard of one database; the environment says what `settings` does not."""
    settings = settings or BoardSettings.from_env({**USUAL, **os.environ})
    app = Flasgo(settings=settings, templates=HERE / "templates", static_folder=HERE / "static")
    backend = session_backend(
        lambda id_: find_person(settings.data, id_), stamp=lambda person: person.password_hash, login_url="/login"
    )
    app.register_auth_backend("default", backend)
    for module in (people, overview, incidents, services):
        app.register_blueprint(module.blueprint)
    furnish(app)
    app.cli.command("fill")(sample.fill)
    return app
