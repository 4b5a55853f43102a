"""The benchmark's own application answers rightly, and its report reads what matrix.py prints. No figure is asserted."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_application_answers_the_workloads():
    module = load("flasgo_app")
    client = module.app.test_client(base_url="http://127.0.0.1:8000")
    order = {
        "id": 1,
        "customer": "Ada",
        "email": "a@b",
        "active": True,
        "created": "2026-01-02T03:04:05Z",
        "total": 1.5,
    }
    order = order | {"tags": ["new"], "priority": 3, "lines": [{"sku": "A", "qty": 1, "price": 1.0}], "notes": None}

    assert client.get("/").text == "Hello, World!"
    assert client.get("/json").json() == {"message": "Hello, World!"}
    assert client.get("/items/42?q=abc&limit=10").json() == {"item_id": 42, "q": "abc", "limit": 10}
    assert client.post("/items", json=order).json() == order
    contact = {"name": "Ada", "email": "a@b", "age": "36", "city": "London", "note": "hi"}
    assert client.post("/form", data=contact).json() == contact
    stored = client.post(
        "/upload", data={"title": "report"}, files={"file": ("f.bin", b"0123", "application/octet-stream")}
    )
    assert stored.json() == {"title": "report", "filename": "f.bin", "size": 4}
    assert module.router.test_client(base_url="http://127.0.0.1:8000").get("/api/r199/77").text == "77"

    secure = module.secure.test_client(base_url="http://127.0.0.1:8000")
    told = secure.get("/login").json()
    headers = {told["csrf_header"]: told["csrf_token"], **told["post_headers"]}
    assert secure.get("/me").json() == {"user_id": 42, "name": "alice"}
    assert secure.post("/sec/items", json=order, headers=headers).json() == order
    assert secure.post("/sec/items", json=order).status_code == 403


def test_the_report_gives_every_figure_as_a_multiple_of_the_floors():
    compare = load("compare")
    printed = "| app | plaintext | sec_plain |\n|---|---|---|\n| ideal2 | 1.2 | 1.4 |\n| flasgo_app | 3.5 | - |\n\nminus raw\n\n| ideal2 | 0 | 0 |\n"

    table = compare.parse(printed)

    assert table == {"ideal2": {"plaintext": 1.2, "sec_plain": 1.4}, "flasgo_app": {"plaintext": 3.5}}
    assert "plaintext 2.50 (goal 2.5)" in compare.report(table)
