from typing import Annotated

import pytest
from msgspec import Meta, Struct

from flasgo import Flasgo, Form, FormData, PageForm, Request, UploadedFile, redirect, render_template

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

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
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
