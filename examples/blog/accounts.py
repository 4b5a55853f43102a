"""Accounts: register, log in, log out."""

from markupsafe import Markup

from flasgo import (
    AllowAny,
    Blueprint,
    PageForm,
    Response,
    flash,
    hash_password,
    is_safe_redirect_target,
    login,
    logout,
    password_problems,
    redirect,
    render_template,
    url_for,
    verify_password,
)

from .database import Opened
from .forms import Login, Registration

blueprint = Blueprint("accounts", url_prefix="/account", permissions=[AllowAny()])


@blueprint.get("/register")
def registration() -> Markup:
    return render_template("register.html", form=PageForm[Registration]())


@blueprint.post("/register")
@blueprint.ratelimit(20, per=3600)
def register(form: PageForm[Registration], database: Opened) -> Response | tuple[Markup, int]:
    wanted = form.value
    if wanted is not None:
        if not wanted.name.replace("-", "").replace("_", "").isalnum():
            form.refuse("name", "Only letters, digits, hyphens and underscores.")
        for problem in password_problems(wanted.password, user_inputs=[wanted.name]):
            form.refuse("password", problem)
    if wanted is None or form.value is None:
        return render_template("register.html", form=form), 422
    author = database.add_author(wanted.name, hash_password(wanted.password))
    if author is None:
        form.refuse("name", "This name is taken: choose another.")
        return render_template("register.html", form=form), 422
    login(author)
    flash(f"Welcome, {author.name}.", "success")
    return redirect(url_for("posts.index"))


@blueprint.get("/login", name="login")
def login_page() -> Markup:
    return render_template("login.html", form=PageForm[Login]())


@blueprint.post("/login", name="log_in")
def log_in(
    form: PageForm[Login],
    database: Opened,
    next: str = "",  # noqa: A002 - the parameter that session_backend adds to login_url
) -> Response | tuple[Markup, int]:
    if form.value is None:
        return render_template("login.html", form=form), 422
    author = database.author_named(form.value.name)
    known = None if author is None else author.password_hash
    # Of an unknown name None is verified, which takes as long; wrong passwords are counted, and 429 in the end.
    if not verify_password(known, form.value.password, account=form.value.name) or author is None:
        form.refuse("", "Wrong name or password.")
        return render_template("login.html", form=form), 422
    login(author, remember=form.value.remember)
    flash("You are logged in.", "success")
    return redirect(next if is_safe_redirect_target(next) else url_for("posts.index"))


@blueprint.post("/logout", name="log_out")
def log_out() -> Response:
    logout()
    flash("You are logged out.")
    return redirect(url_for("posts.index"))
