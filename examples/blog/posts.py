"""Posts: read by everyone, written by authors, changed by their own author."""

from typing import Annotated

from markupsafe import Markup
from msgspec import Meta

from flasgo import (
    AllowAny,
    Blueprint,
    Forbidden,
    FormData,
    NotFound,
    PageForm,
    Response,
    flash,
    redirect,
    render_template,
    send_from_directory,
    url_for,
)

from .database import Author, Opened, Post
from .forms import Draft
from .pictures import MAX_BYTES, drop, keep, kind_of
from .settings import BlogSettings

# Everyone may read, and yet every page asks who it is that reads: it shows a way out, or a way in.
blueprint = Blueprint("posts", permissions=[AllowAny()])

BODY = MAX_BYTES + 200_000


@blueprint.get("/")
def index(database: Opened, settings: BlogSettings, page: Annotated[int, Meta(ge=1, le=10_000)] = 1) -> Markup:
    size = settings.POSTS_PER_PAGE
    pages = max(1, -(-database.count_posts() // size))
    if page > pages:
        raise NotFound("There are not so many pages.")
    posts = database.posts(limit=size, skip=(page - 1) * size)
    return render_template("index.html", posts=posts, page=page, pages=pages)


@blueprint.get("/posts/<int:id_>")
def post(id_: int, database: Opened) -> Markup:
    return render_template("post.html", post=_found(id_, database))


@blueprint.get("/pictures/<name>")
def picture(name: str, settings: BlogSettings) -> Response:
    # As an attachment: an <img> shows it all the same, and whoever opens it by itself saves it.
    return send_from_directory(settings.pictures, name, as_attachment=True, max_age=86_400)


@blueprint.get("/posts/new")
def new(author: Author) -> Markup:  # noqa: ARG001 - whoever is not logged in is sent to log in
    return render_template("edit.html", form=PageForm[Draft](), post=None)


@blueprint.post("/posts/new", max_body_bytes=BODY, max_file_bytes=MAX_BYTES)
def add(
    author: Author, form: PageForm[Draft], database: Opened, settings: BlogSettings
) -> Response | tuple[Markup, int]:
    kind = _judge_picture(form)
    draft = form.value
    if draft is None:
        return render_template("edit.html", form=form, post=None), 422
    name = keep(draft.picture, kind, settings.pictures) if draft.picture and kind else None
    id_ = database.add_post(str(author.id), draft.title, draft.body, name, draft.picture_text)
    flash("Your post is published.", "success")
    return redirect(url_for(".post", id_=id_))


@blueprint.get("/posts/<int:id_>/edit")
def edit(id_: int, author: Author, database: Opened) -> Markup:
    post = _own(id_, author, database)
    form = PageForm[Draft](data=FormData({"title": post.title, "body": post.body, "picture_text": post.picture_text}))
    return render_template("edit.html", form=form, post=post)


@blueprint.post("/posts/<int:id_>/edit", max_body_bytes=BODY, max_file_bytes=MAX_BYTES)
def change(
    id_: int, author: Author, form: PageForm[Draft], database: Opened, settings: BlogSettings
) -> Response | tuple[Markup, int]:
    post = _own(id_, author, database)
    kind = _judge_picture(form)
    draft = form.value
    if draft is None:
        return render_template("edit.html", form=form, post=post), 422
    name = post.picture
    if draft.picture and kind:
        name = keep(draft.picture, kind, settings.pictures)
    elif draft.drop_picture:
        name = None
    database.change_post(id_, draft.title, draft.body, name, draft.picture_text)
    if name != post.picture:
        drop(post.picture, settings.pictures)
    flash("Your changes are saved.", "success")
    return redirect(url_for(".post", id_=id_))


@blueprint.post("/posts/<int:id_>/delete")
def delete(id_: int, author: Author, database: Opened, settings: BlogSettings) -> Response:
    post = _own(id_, author, database)
    database.delete_post(id_)
    drop(post.picture, settings.pictures)
    flash(f"“{post.title}” is deleted.")
    return redirect(url_for(".index"))


def _found(id_: int, database: Opened) -> Post:
    post = database.post(id_)
    if post is None:
        raise NotFound("This post is not there. It may have been deleted.")
    return post


def _own(id_: int, author: Author, database: Opened) -> Post:
    """The post, for its author alone."""
    post = _found(id_, database)
    if post.author_id != author.id:
        raise Forbidden("Only its author may change this post.")
    return post


def _judge_picture(form: PageForm[Draft]) -> str | None:
    """The kind of the picture that was sent, if any; the form is refused for what is none."""
    file = None if form.value is None else form.value.picture
    kind = None if file is None else kind_of(file)
    if file is not None and kind is None:
        form.refuse("picture", "This is not a PNG, JPEG, GIF or WebP picture.")
    return kind
