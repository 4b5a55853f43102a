import enum
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Meta, Struct, field

from flasgo import (
    Body,
    Codec,
    Depends,
    Flasgo,
    Form,
    FormData,
    FormProblem,
    PageForm,
    RegistrationError,
    Request,
    Settings,
    UploadedFile,
    redirect,
    render_template,
)

PAGE = """<form method="post" enctype="multipart/form-data">{{ csrf_input() }}
<input name="email" value="{{ form['email'] }}">{% for error in form.errors.email %}<em>{{ error }}</em>{% endfor %}
<input name="age" value="{{ form['age'] }}">{% for error in form.errors.age %}<em>{{ error }}</em>{% endfor %}
<input type="file" name="photo">{% for error in form.errors.photo %}<em>{{ error }}</em>{% endfor %}
</form>"""


class Signup(Struct):
    email: Annotated[str, Meta(min_length=3, pattern="@")]
    age: Annotated[int, Meta(ge=18)]
    photo: UploadedFile | None = None
    terms: bool = False


@pytest.fixture
def client(tmp_path):
    (tmp_path / "signup.html").write_text(PAGE)
    app = Flasgo(
        settings={"SECRET_KEY": "test-page-forms-0123456789abcdefghij", "CSRF_ENABLED": False}, templates=tmp_path
    )
    app.get("/signup", name="blank")(lambda: render_template("signup.html", form=PageForm[Signup]()))

    @app.post("/signup")
    async def signup(request: Request):
        form = await request.form_as(Signup)
        if form.value is None:
            return render_template("signup.html", form=form), 422
        photo = form.value.photo
        return redirect(
            f"/welcome?age={form.value.age + 1}&photo={photo.filename if photo else ''}&terms={form.value.terms}"
        )

    return app.test_client()


def test_the_first_visit_shows_an_empty_form(client):
    text = client.get("/signup").text
    assert 'name="email" value=""' in text
    assert "<em>" not in text


def test_a_valid_form_is_a_value(client):
    response = client.post("/signup", data={"email": "a@b", "age": "20", "terms": "on"})
    assert response.location == "/welcome?age=21&photo=&terms=True"
    response = client.post("/signup", data={"email": "a@b", "age": "20"}, files={"photo": ("me.png", b"png")})
    assert response.location == "/welcome?age=21&photo=me.png&terms=False"


def test_a_form_that_is_not_valid_comes_back_as_typed_with_what_is_wrong_beside_each_field(client):
    response = client.post("/signup", data={"email": '"><script>', "age": "<12>"})
    assert response.status_code == 422
    assert 'name="email" value="&#34;&gt;&lt;script&gt;"><em>' in response.text
    assert 'name="age" value="&lt;12&gt;"><em>' in response.text
    assert response.text.count("<em>") == 2


def test_missing_fields_are_named(client):
    text = client.post("/signup", data={"age": "17"}).text
    assert text.count("<em>") == 2


async def test_a_form_needs_a_record_and_an_application():
    async def receive():
        return {"type": "http.disconnect"}

    request = Request.of({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(RuntimeError, match="not made by an application"):
        await request.form_as(Signup)


def test_forms_say_what_they_are():
    assert repr(PageForm(1)) == "<PageForm, valid>"
    assert repr(PageForm()) == "<PageForm, 0 problems>"
    assert PageForm().errors["any"] == ()


def test_what_a_handler_finds_wrong_itself_refuses_the_form() -> None:
    form = PageForm("a value", FormData({"name": "ada"}))
    form.refuse("name", "is taken")
    form.refuse("name", "is too short")
    form.refuse("", "Try again.")

    assert form.value is None
    assert form.errors == {"name": ("is taken", "is too short"), "": ("Try again.",)}
    assert form["name"] == "ada"


class Optional(Struct):
    picture: UploadedFile | None
    more: list[UploadedFile]


@pytest.mark.parametrize("files", [{"picture": ("", b"")}, {"other": ("a.txt", b"x")}])
def test_a_file_that_was_not_chosen_is_none_and_a_list_of_them_is_empty(files: dict[str, tuple[str, bytes]]) -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/page")
    async def page(request: Request) -> str:
        return repr((await request.form_as(Optional)).value)

    @app.post("/typed")
    async def typed(form: Annotated[Optional, Form()]) -> str:
        return repr(form)

    client = app.test_client()
    assert client.post("/page", files=files).text == "Optional(picture=None, more=[])"
    assert client.post("/typed", files=files).text == "Optional(picture=None, more=[])"


# ── a form as a parameter, and what is said to the person who fills it in


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=5)] = "ada"
    letter: Annotated[str, Meta(max_length=1)] = "a"
    password: Annotated[str, Meta(min_length=15)] = "a long password, this one"
    age: Annotated[int, Meta(ge=18, le=99)] = 20
    price: Annotated[float, Meta(gt=0, lt=10)] = 1.5
    step: Annotated[int, Meta(multiple_of=5)] | None = None
    day: date = date(2024, 1, 1)
    at: time = time(12)
    moment: datetime = datetime(2024, 1, 1, 12)
    length: timedelta = timedelta(1)
    color: Color = Color.RED
    size: Literal["s", "m"] = "s"
    either: int | date = 1
    terms: Literal[True] = True
    tags: Annotated[list[Literal["a", "b"]], Meta(min_length=2, max_length=2)] = field(
        default_factory=lambda: ["a", "b"]
    )
    picks: Annotated[list[str], Meta(min_length=1)] = field(default_factory=lambda: ["a"])
    places: tuple[int, str] = (1, "a")
    mail: Annotated[str, Meta(pattern="@", max_length=9, extra={"message": "An address, such as a@b.example."})] = "a@b"
    hinted: Annotated[int, Meta(extra={"about": "no message"})] = 1
    code: Annotated[str, Meta(pattern="^x+$")] = "x"
    key: UUID | None = None
    file: UploadedFile | None = None
    files: Annotated[list[UploadedFile], Meta(max_length=1)] = []

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise ValueError("These two do not go together.")


class Needed(Struct):
    text: str
    number: int
    color: Color
    terms: Literal[True]
    file: UploadedFile
    picks: Annotated[list[str], Meta(min_length=1)]
    files: Annotated[list[UploadedFile], Meta(min_length=1)]


def page_app(record: type[object], *, waits: bool = False) -> Flasgo[Settings]:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    def shown(form: PageForm[Any]) -> dict[str, object]:
        return {"errors": form.errors, "valid": form.value is not None, "typed": form["name"]}

    async def on_loop(form: PageForm[Any]) -> object:
        return shown(form)

    def in_thread(form: PageForm[Any]) -> object:
        return shown(form)

    handler = on_loop if waits else in_thread
    handler.__annotations__["form"] = PageForm[record]  # ty: ignore[invalid-type-form]
    app.add_route("/", handler, methods=["GET", "POST"])
    return app


@pytest.mark.parametrize(
    ("sent", "where", "message"),
    [
        ({"name": ""}, "name", "Fill in this field."),
        ({"name": "longer"}, "name", "At most 5 characters."),
        ({"letter": "ab"}, "letter", "At most 1 character."),
        ({"password": "short"}, "password", "At least 15 characters."),
        ({"age": "17"}, "age", "18 or more."),
        ({"age": "100"}, "age", "99 or less."),
        ({"age": "x"}, "age", "A whole number, such as 12."),
        ({"age": ["1", "2"]}, "age", "Only one, please."),
        ({"price": "0"}, "price", "More than 0."),
        ({"price": "10"}, "price", "Less than 10."),
        ({"price": "x"}, "price", "A number, such as 12.5."),
        ({"price": "inf"}, "price", "A number, such as 12.5."),
        ({"step": "7"}, "step", "A multiple of 5."),
        ({"day": "1.2.24"}, "day", "A date, such as 2024-01-31."),
        ({"at": "noon"}, "at", "A time, such as 12:30."),
        ({"moment": "noon"}, "moment", "A date and time, such as 2024-01-31T12:30."),
        ({"length": "long"}, "length", "A duration, such as PT1H30M."),
        ({"color": "green"}, "color", "Choose one of these."),
        ({"size": "l"}, "size", "Choose one of these."),
        ({"terms": "off"}, "terms", "Tick this box."),
        ({"tags": ["a"]}, "tags", "Choose at least 2."),
        ({"tags": ["a", "b", "a"]}, "tags", "Choose at most 2."),
        ({"tags": ["a", "c"]}, "tags", "Choose one of these."),
        ({"places": ["x", "y"]}, "places", "A whole number, such as 12."),
        ({"mail": "nobody"}, "mail", "An address, such as a@b.example."),
        ({"mail": "somebody@long"}, "mail", "At most 9 characters."),
        ({"mail": ""}, "mail", "Fill in this field."),
        ({"hinted": "x"}, "hinted", "A whole number, such as 12."),
        ({"code": "y"}, "code", "This does not have the right form."),
        ({"key": "y"}, "key", "This is not valid."),
        ({"either": "y"}, "either", "This is not valid."),
        ({"name": "bad"}, "", "These two do not go together."),
        ({"more": "y"}, "", "The form has a field too many: load the page again."),
    ],
)
@pytest.mark.parametrize("waits", [False, True])
def test_what_is_wrong_is_said_in_sentences(sent: dict[str, str], where: str, message: str, *, waits: bool) -> None:
    shown = page_app(Everything, waits=waits).test_client().post("/", data=sent).json()

    assert shown["errors"] == {where: [message]}
    assert shown["valid"] is False


def test_what_was_not_given_is_said_by_the_kind_of_field() -> None:
    shown = page_app(Needed).test_client().post("/", data={"number": ""}).json()

    assert shown["errors"] == {
        "text": ["Fill in this field."],
        "number": ["Fill in this field."],
        "color": ["Choose one of these."],
        "terms": ["Tick this box."],
        "file": ["Choose a file."],
        "picks": ["Choose one of these."],
        "files": ["Choose a file."],
    }


def test_text_where_a_file_belongs_and_files_too_many_are_told() -> None:
    client = page_app(Everything).test_client()

    assert client.post("/", data={"name": "ada"}).json()["valid"] is True
    two = client.post("/", files=[("files", ("a", b"a")), ("files", ("b", b"b"))]).json()
    assert two["errors"] == {"files": ["Choose at most 1."]}


@pytest.mark.parametrize("waits", [False, True])
def test_a_visit_gets_the_empty_form_and_a_sent_one_what_was_typed(*, waits: bool) -> None:
    client = page_app(Everything, waits=waits).test_client()

    assert client.get("/").json() == {"errors": {}, "valid": False, "typed": ""}
    assert client.post("/", data={"name": "bob", "at": "12:30", "moment": "2024-01-31T12:30"}).json() == {
        "errors": {},
        "valid": True,
        "typed": "bob",
    }
    assert client.post("/").json()["valid"] is True
    assert client.post("/", json={"name": "bob"}).status_code == 415


def test_a_time_without_seconds_is_what_a_browser_sends() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/")
    def when(at: Annotated[time, Form()], moment: Annotated[datetime | None, Form()] = None) -> str:
        return f"{at} {moment}"

    client = app.test_client()
    assert client.post("/", data={"at": "12:30", "moment": "2024-01-31T08:05"}).text == "12:30:00 2024-01-31 08:05:00"
    assert client.post("/", data={"at": "12:30:09"}).text == "12:30:09 None"


def test_an_application_says_it_in_its_own_words() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})
    seen: list[FormProblem] = []

    @app.form_message
    def in_german(problem: FormProblem) -> str | None:
        seen.append(problem)
        words = {"required": "Bitte ausfüllen.", "too_short": "Mindestens {} Zeichen."}.get(problem.code)
        return words and words.format(problem.bound)

    @app.post("/typed")
    def typed(form: PageForm[Everything]) -> dict[str, object]:
        return {"errors": form.errors, "codes": [issue.code for issue in form.issues]}

    @app.post("/asked")
    async def asked(request: Request) -> object:
        return (await request.form_as(Everything)).errors

    client = app.test_client()
    data = {"name": "", "password": "x", "age": "1"}
    said = {"name": ["Bitte ausfüllen."], "password": ["Mindestens 15 Zeichen."], "age": ["18 or more."]}
    assert client.post("/typed", data=data).json() == {"errors": said, "codes": ["too_short", "too_short", "too_small"]}
    assert client.post("/asked", data=data).json() == said
    assert seen[:2] == [
        FormProblem("name", "required", "Fill in this field."),
        FormProblem("password", "too_short", "At least 15 characters.", 15),
    ]


def test_words_for_forms_are_a_plain_function_of_one_problem() -> None:
    app = Flasgo()

    with pytest.raises(RegistrationError, match="called with 1 positional arguments"):
        app.form_message(lambda: None)  # ty: ignore[invalid-argument-type]

    async def later(problem: FormProblem) -> str:
        return problem.code

    with pytest.raises(RegistrationError, match="make it a plain function"):
        app.form_message(later)  # ty: ignore[invalid-argument-type]


class Money:
    def __init__(self, cents: int) -> None:
        if cents < 0:
            raise ValueError("negative")
        self.cents = cents


class Priced(Struct):
    price: Money
    pair: Annotated[list[int], Meta(min_length=1)] | None = None


def test_a_class_of_the_users_own_is_called_what_its_codec_calls_it() -> None:
    money = Codec(Money, int, lambda amount: amount.cents, Money, noun="an amount of money")
    app = Flasgo(settings={"CSRF_ENABLED": False}, codecs=[money])

    @app.post("/")
    def price(form: PageForm[Priced]) -> object:
        return form.errors

    client = app.test_client()
    assert client.post("/", data={"price": "-1"}).json() == {"price": ["This must be an amount of money."]}
    assert client.post("/", data={"price": "x"}).json() == {"price": ["A whole number, such as 12."]}


class Inner(Struct):
    x: int


class Deep(Struct):
    inner: Inner


def test_a_page_form_that_could_not_work_is_told_when_it_is_registered() -> None:
    app = Flasgo()

    def bare(form: PageForm) -> None: ...  # ty: ignore[missing-type-argument]
    def deep(form: PageForm[Deep]) -> None: ...
    def marked(form: Annotated[PageForm[Needed], Form()]) -> None: ...
    def preset(form: PageForm[Needed] = PageForm()) -> None: ...
    def twice(form: PageForm[Needed], body: Annotated[Inner, Body()]) -> None: ...
    def visited(form: PageForm[Needed]) -> None: ...

    for handler, problem in [
        (bare, "write `PageForm\\[Signup\\]`"),
        (deep, "its field `inner` is nested"),
        (marked, "take the marker and the default away"),
        (preset, "take the marker and the default away"),
        (twice, "takes the body already"),
    ]:
        with pytest.raises(RegistrationError, match=problem):
            app.add_route("/x", handler, methods=["POST"])
    with pytest.raises(RegistrationError, match="a GET request has none"):
        app.add_route("/x", visited)


def test_a_page_form_is_in_the_document() -> None:
    app = page_app(Needed)
    body = app.openapi_spec()["paths"]["/"]["post"]["requestBody"]

    assert set(body["content"]["multipart/form-data"]["schema"]["properties"]) == set(Needed.__struct_fields__)
    assert body["required"] is False


def test_a_page_form_may_stand_beside_other_inputs_and_be_taken_by_a_provider() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    def judged(form: PageForm[Everything]) -> PageForm[Everything]:
        if form.value is not None and form.value.name == "admin":
            form.refuse("name", "This name is taken.")
        return form

    @app.post("/<int:id>")
    def save(id: int, form: Annotated[PageForm[Everything], Depends(judged)], page: int = 1) -> object:
        return [id, page, form.errors]

    client = app.test_client()
    assert client.post("/7?page=2", data={"name": "admin"}).json() == [7, 2, {"name": ["This name is taken."]}]
    assert client.post("/7?page=x", data={"name": "admin"}).status_code == 422
