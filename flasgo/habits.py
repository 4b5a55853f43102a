"""What people write by habit of Flask: `request.form["x"]`, `request.files["x"]`, `request.get_json()`, without `await`.

A plain handler runs in a thread, which may wait for what the event loop reads. On the loop itself nothing may wait: there the form is
this one once somebody has awaited it, and empty where none was sent.
"""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeVar, overload

from flasgo.current import wait_for
from flasgo.errors import HTTPException
from flasgo.http.forms import FormData, MissingField
from flasgo.http.uploads import UploadedFile

T = TypeVar("T")


class Reading(Protocol):
    """What a submitted form knows of its request."""

    opened_form: FormData | None
    fields: dict[bytes, bytes]

    def read_form(self) -> Coroutine[Any, Any, FormData]: ...


class SubmittedForm(Mapping[str, str]):
    """`Request.form`: awaited as `await request.form()`, or in a plain handler the form itself, a mapping of its fields of text.

    Raises what reading a form raises; on the event loop RuntimeError where it has not been awaited.
    """

    __slots__ = ("_request",)
    unsafe_callable: ClassVar[bool] = True  # a template has nothing to await

    def __init__(self, request: Reading) -> None:
        self._request = request

    def __call__(self) -> Coroutine[Any, Any, FormData]:
        """The form, read once and kept; empty for a body that is neither urlencoded nor multipart.

        Raises MalformedBody, ContentTooLarge beyond any of the limits of `FormLimits`, RequestTimeout, ClientDisconnected.
        """
        return self._request.read_form()

    @property
    def data(self) -> FormData:
        """The form as a FormData."""
        request = self._request
        if request.opened_form is not None:
            return request.opened_form
        # Whoever sends a form says so (RFC 9110 §8.3).
        return wait_for(request.read_form(), "request.form") if b"content-type" in request.fields else FormData()

    def __getitem__(self, key: str, /) -> str:
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return "<request.form>"

    @overload
    def get(self, key: object, default: None = None) -> str | None: ...

    @overload
    def get(self, key: object, default: str) -> str: ...

    @overload
    def get(self, key: object, default: T) -> str | T: ...

    @overload
    def get(self, key: object, default: None = None, *, type: Callable[[str], T]) -> T | None: ...

    @overload
    def get(self, key: object, default: T, *, type: Callable[[str], T]) -> T: ...

    def get(self, key: object, default: object = None, *, type: Callable[[str], object] | None = None) -> object:  # noqa: A002 - Flask's word
        """`FormData.get`."""
        data = self.data
        return data.get(key, default) if type is None else data.get(key, default, type=type)

    def getlist(self, key: str) -> list[str]:
        """`FormData.getlist`."""
        return self.data.getlist(key)

    def file(self, key: str) -> UploadedFile | None:
        """`FormData.file`."""
        return self.data.file(key)

    def filelist(self, key: str) -> list[UploadedFile]:
        """`FormData.filelist`."""
        return self.data.filelist(key)


class SubmittedFiles(Mapping[str, UploadedFile]):
    """`Request.files`: the files of the form, by the names of their fields, each with the first."""

    __slots__ = ("_form",)

    def __init__(self, form: SubmittedForm) -> None:
        self._form = form

    def __getitem__(self, key: str, /) -> UploadedFile:
        """Raises MissingField, a KeyError that is answered with 400, where no file was chosen."""
        found = self._form.data.file(key)
        if found is None:
            raise MissingField(f"The file {key!r} is missing.")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._form.data.files)

    def __len__(self) -> int:
        return len(self._form.data.files)

    def getlist(self, key: str) -> list[UploadedFile]:
        """Every file of this name, in order."""
        return self._form.data.filelist(key)


class FlaskHabits:
    """What a Request has for those who come from Flask, made of what it has for everybody."""

    opened_form: FormData | None
    fields: dict[bytes, bytes]

    async def read_form(self) -> FormData:
        """The form, read once and kept."""
        raise NotImplementedError  # pragma: no cover - every request says it

    async def body(self, *, encoded: bool = False) -> bytes:
        """The whole body, read once and kept."""
        raise NotImplementedError  # pragma: no cover - every request says it

    async def json(self) -> Any:  # JSON of no declared type is whatever came
        """The body as JSON."""
        raise NotImplementedError  # pragma: no cover - every request says it

    @property
    def query_params(self) -> dict[str, list[str]]:
        """Every value of every query parameter."""
        raise NotImplementedError  # pragma: no cover - every request says it

    @property
    def args(self) -> FormData:
        """The query as Flask has it: `args["q"]` and `args.get("q")` are the first value, `args.getlist("q")` all of them."""
        return FormData(self.query_params)

    @property
    def form(self) -> SubmittedForm:
        """The submitted form: `await request.form()`; in a plain handler also `request.form["name"]`, as in Flask."""
        return SubmittedForm(self)

    @property
    def files(self) -> SubmittedFiles:
        """The files of the form, in a plain handler; `(await request.form()).file("name")` everywhere."""
        return SubmittedFiles(SubmittedForm(self))

    def get_json(self, *, silent: bool = False) -> Any:  # see json
        """`await request.json()` for plain handlers; with `silent` None for what is not JSON. RuntimeError on the event loop."""
        try:
            return wait_for(self.json(), "request.get_json()")
        except HTTPException:
            if silent:
                return None
            raise

    def get_data(self, *, encoded: bool = False) -> bytes:
        """`await request.body()` for plain handlers. RuntimeError on the event loop."""
        return wait_for(self.body(encoded=encoded), "request.get_data()")

    @property
    def referrer(self) -> str | None:
        """Where the visitor says that he came from; it is the client's word, which `redirect` does not follow to other sites."""
        sent = self.fields.get(b"referer")
        return None if sent is None else sent.decode("latin-1")
