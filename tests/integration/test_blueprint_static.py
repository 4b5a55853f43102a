"""Static files of a blueprint: under its prefix, with its hooks and policies, and with hashes in their URLs."""

from pathlib import Path

import pytest

from flasgo import Blueprint, BuildError, Flasgo, RegistrationError, Settings, request, url_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    folder.mkdir()
    (folder / "a.css").write_text("p {}")
    return folder


def site(blueprint: Blueprint) -> Flasgo[Settings]:
    @blueprint.get("/")
    async def index() -> str:
        return url_for(".static", filename="a.css")

    app = Flasgo()
    app.register_blueprint(blueprint)
    return app


def test_they_are_below_the_prefix_and_their_urls_have_the_hash(folder: Path) -> None:
    client = site(Blueprint("blog", url_prefix="/blog", static_folder=folder)).test_client()
    url = client.get("/blog/").text

    assert url.startswith("/blog/static/a.css?v=")
    assert client.get(url).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get(url).text == "p {}"
    assert client.get("/blog/static/../a.css").status_code == 404


def test_they_may_have_a_path_of_their_own_and_be_nested(folder: Path) -> None:
    outer = Blueprint("admin", url_prefix="/admin")
    outer.register_blueprint(Blueprint("blog", url_prefix="/blog", static_folder=folder, static_url_path="/files"))
    app = Flasgo()
    app.register_blueprint(outer)

    assert app.url_for("admin.blog.static", filename="a.css").startswith("/admin/blog/files/a.css?v=")


def test_they_stand_in_the_blueprint_with_its_hooks_and_policies(folder: Path) -> None:
    blueprint = Blueprint("blog", url_prefix="/blog", static_folder=folder, permissions=[lambda request, user: False])
    seen = []
    blueprint.before_request(lambda: seen.append((request.blueprint, request.endpoint)))
    client = site(blueprint).test_client()

    assert client.get("/blog/static/a.css").status_code == 401
    assert seen == [("blog", "blog.static")]


def test_the_applications_own_static_is_another(folder: Path) -> None:
    app = site(Blueprint("blog", url_prefix="/blog", static_folder=folder))
    with pytest.raises(BuildError, match="no endpoint 'static'"):
        app.url_for("static", filename="a.css")
    app.configure_static(folder, url_path="/assets")
    assert app.url_for("static", filename="a.css").startswith("/assets/a.css?v=")


def test_what_cannot_stand_is_refused_as_a_whole(folder: Path) -> None:
    with pytest.raises(RegistrationError, match=r"static_folder=.* is no folder"):
        Blueprint("blog", static_folder=folder / "missing")
    app = Flasgo()
    with pytest.raises(RegistrationError, match="placeholder"):
        app.register_blueprint(Blueprint("blog", url_prefix="/<lang>", static_folder=folder))
    app.configure_static(folder)
    with pytest.raises(RegistrationError):
        app.register_blueprint(Blueprint("blog", static_folder=folder))
    assert app.url_for("static", filename="a.css").startswith("/static/a.css?v=")
    with pytest.raises(BuildError):
        app.url_for("blog.static", filename="a.css")
