"""Who is let in: log in, log out."""

from markupsafe import Markup

from flasgo import (
    AllowAny,
    Blueprint,
    PageForm,
    Response,
    flash,
    is_safe_redirect_target,
    login,
    logout,
    redirect,
    render_template,
    url_for,
    verify_password,
)

from .database import Opened
from .records import Login

blueprint = Blueprint("people", permissions=[AllowAny()])


@blueprint.get("/login")
def login_page() -> Markup:
    return render_template("login.html", form=PageForm[Login]())


@blueprint.post("/login", name="log_in")
@blueprint.ratelimit(10, per=60)
def log_in(
    form: PageForm[Login],
    database: Opened,
    next: str = "",  # noqa: A002 - the parameter that session_backend adds to login_url
) -> Response | tuple[Markup, int]:
    if form.value is None:
        return render_template("login.html", form=form), 422
    person = database.person_named(form.value.name)
    # Of an unknown name None is verified, which takes as long; wrong passwords are counted, and 429 in the end.
    known = None if person is None else person.password_hash
    if not verify_password(known, form.value.password, account=form.value.name) or person is None:
        form.refuse("", "Wrong name or password.")
        return render_template("login.html", form=form), 422
    login(person)
    return redirect(next if is_safe_redirect_target(next) else url_for("overview.index"))


@blueprint.post("/logout", name="log_out")
def log_out() -> Response:
    logout()
    flash("You are logged out.")
    return redirect(url_for("people.login_page"))
