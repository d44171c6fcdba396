"""The rooms of the house do not blur: who imports whom, what is generated, how small the facades are, what is told."""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import clinik_client
from clinik_client import Clinik, ClinikApiError, Pager
from clinik_client._resource import Resource

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "clinik_client"
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
PROPER = {name: path for name, path in MODULES.items() if not name.startswith("clinik_client/testing/")}
HANDWRITTEN = {name: path for name, path in MODULES.items() if "/_generated/" not in name}
FACADES = sorted(Resource.__subclasses__(), key=lambda facade: facade.__name__)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module by its absolute name, and whether it is imported when the module itself is."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]

    def walk(node: ast.AST, at_once: bool) -> Iterator[tuple[str, bool]]:
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, at_once) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = (
                    ".".join([*package[: len(package) - level + 1], *filter(None, [module])]) if level else module or ""
                )
                yield base, at_once
                yield from ((f"{base}.{alias.name}", at_once) for alias in names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                at_once = False
            case ast.FunctionDef() | ast.Lambda():
                at_once = False
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_once)

    yield from walk(tree_of(path), at_once=True)


def imported_roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name, _ in imports(path)}


# -- who imports whom -------------------------------------------------------------------------------------------------


def test_only_the_transport_imports_httpx_and_httpcore() -> None:
    speaking = {name for name, path in MODULES.items() if {"httpx", "httpcore"} & imported_roots(path)}
    assert {name.rpartition("/")[0] for name in speaking} == {"clinik_client/_transport"}


def test_the_sdk_proper_imports_neither_the_test_kit_nor_the_generator() -> None:
    for name, path in PROPER.items():
        for imported, _ in imports(path):
            assert not f"{imported}.".startswith(("clinik_client.testing.", "generator.", "tests.", "pytest.")), name


RESOURCES = [path.parent.name for path in sorted(PACKAGE.glob("*/facade.py"))]
"""The rooms of the resources."""


def test_the_generated_code_imports_of_the_sdk_only_what_describes_data() -> None:
    allowed = {
        "_codecs",
        "_model",
        "_objects",
        "_operation",
        "_fhir_datetime",
        "_fhir_record",
        "_help",
        "_generated",
        *RESOURCES,
    }
    for name, path in MODULES.items():
        if "/_generated/" in name:
            ours = {imported.split(".")[1] for imported, _ in imports(path) if imported.startswith("clinik_client.")}
            assert ours <= allowed, name
            assert all(
                imported.split(".")[2:3] == ["fhir"]
                for imported, _ in imports(path)
                if imported.startswith("clinik_client.") and imported.split(".")[1] in RESOURCES
            )


def test_what_describes_data_knows_nothing_of_sending() -> None:
    sending = [
        "_transport",
        "_retry",
        "_session",
        "_resource",
        "_client",
        "_log",
        *RESOURCES,
        "_pagination",
        "_recovery",
        "_reading",
        "_calls",
    ]
    for module in [
        "_codecs",
        "_model",
        "_objects",
        "_operation",
        "_fhir_form",
        "_fhir_types",
        "_fhir_datetime",
        *(f"{name}/fhir" for name in RESOURCES if (PACKAGE / name / "fhir.py").exists()),
        "_errors",
        "_privacy",
        "_response",
    ]:
        ours = {
            name.split(".")[1] for name, _ in imports(PACKAGE / f"{module}.py") if name.startswith("clinik_client.")
        }
        assert ours.isdisjoint(sending), module


def test_what_all_models_share_knows_nothing_of_the_forms_of_fhir() -> None:
    for module in ("_model", "_objects", "_codecs", "_operation"):
        names = [name for name, _ in imports(PACKAGE / f"{module}.py")]
        assert not any(name.startswith(("clinik_client._fhir_form", "clinik_client._fhir_types")) for name in names)


def loaded_by(code: str) -> set[str]:
    """The modules that a program has loaded at its end. No variable of the environment names a proxy."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environment
    )
    return set(json.loads(done.stdout))


def roots_of(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


NEVER_NEEDED = {"pytest", "dateutil", "openapi_python_client", "hypothesis", "generator", "yaml", "ruamel"}
NEEDED_BY_CALLS = {"httpx", "httpcore", "h11", "attrs", "attr", "orjson", "ssl", "asyncio", "socket", "certifi"}


def test_importing_the_sdk_imports_nothing_that_it_may_not_need() -> None:
    loaded = loaded_by("import clinik_client")
    assert roots_of(loaded).isdisjoint(NEVER_NEEDED | NEEDED_BY_CALLS)
    assert {name for name in loaded if name.startswith("clinik_client.")} == {
        "clinik_client._generated",
        "clinik_client._generated.models",
        "clinik_client._version",
    }


def test_errors_can_be_imported_without_what_calls_need() -> None:
    assert roots_of(loaded_by("from clinik_client import ClinikApiError")).isdisjoint(NEVER_NEEDED | NEEDED_BY_CALLS)


def test_a_client_loads_nothing_that_only_some_need() -> None:
    client = "from clinik_client import Clinik\nclinik = Clinik('clk_test_x', base_url='https://h.example:8443/v2')"
    loaded = loaded_by(client)
    assert roots_of(loaded).isdisjoint(NEVER_NEEDED | {"httpx", "http", "html", "email", "asyncio"})
    assert "clinik_client.testing" not in loaded
    assert "httpx" in loaded_by(client + "\nClinik('clk_test_x', proxy='http://proxy.example')")


def test_no_module_is_loaded_in_the_middle_of_a_call() -> None:
    """While Python loads a module, it takes some exceptions that a signal handler raises for its own."""
    program = """
import json, socket, sys, threading
from itertools import product
from clinik_client import Clinik, ClinikApiError

row = {
    "id": "enc_1", "status": "planned", "class": "VR", "participants": [{"practitionerId": "prac_1"}],
    "period": {"start": "2025-06-01T09:00:00Z"}, "diagnosis": [{"condition": "I10"}],
    "hospitalization": {"dischargeDisposition": "home"},
}
page = {"data": [row], "hasMore": False}

def answer():
    while True:
        with listening.accept()[0] as connection:
            connection.recv(65536)
            head = f"HTTP/1.1 {status} Told\\r\\nConnection: close\\r\\n\\r\\n"
            connection.sendall(head.encode() + json.dumps(body).encode())

listening = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=answer, daemon=True).start()
address = f"http://127.0.0.1:{listening.getsockname()[1]}"
with Clinik("clk_test_x", base_url=address, trust_env=False, retries=0) as clinik:
    encounters = clinik.encounters
    period = {"start": "2025-06-01T09:00:00Z"}
    calls = [
        lambda: encounters.create(status="planned", class_="VR", patient_id="pt_1", period=period),
        lambda: encounters.read("enc_1").data.period.start,
        lambda: encounters.update("enc_1", status="finished"),
        lambda: encounters.delete("enc_1"),
        lambda: [found.period.start for found in encounters.search_all(patient_id="pt_1")],
        lambda: encounters.create(status="?"),
    ]
    before = set(sys.modules)
    came = 0
    for status, body, call in product((200, 404, 500), ({"data": row}, {"data": page}, {"code": "X"}), calls):
        try:
            call()
            came += 1
        except ClinikApiError:
            pass
    assert came > 4, came
    assert set(sys.modules) == before, set(sys.modules) - before
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


SPEAKING_HTTP = {name: path for name, path in MODULES.items() if {"httpx", "httpcore", "h11"} & imported_roots(path)}


def test_http_is_spoken_in_two_places() -> None:
    places = {name if "testing" in name else name.rpartition("/")[0] for name in SPEAKING_HTTP}
    assert places == {"clinik_client/_transport", "clinik_client/testing/_wire.py"}


@pytest.mark.parametrize("name", MODULES)
def test_no_private_module_or_name_of_another_package_is_imported(name: str) -> None:
    for imported, _ in imports(MODULES[name]):
        root, *rest = imported.split(".")
        if root not in ("clinik_client", "__future__"):
            assert not any(part.startswith("_") for part in rest), imported


@pytest.mark.parametrize("name", SPEAKING_HTTP)
def test_next_to_http_underscore_attributes_are_those_of_our_own_classes(name: str) -> None:
    for node in ast.walk(tree_of(SPEAKING_HTTP[name])):
        if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
            assert isinstance(node.value, ast.Name), ast.unparse(node)
            assert node.value.id in ("self", "cls"), ast.unparse(node)


# -- what is generated ------------------------------------------------------------------------------------------------


def test_every_generated_file_says_so_and_no_other_does() -> None:
    for path in (PACKAGE / "_generated").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            first = path.read_text(encoding="utf-8").partition("\n")[0]
            assert path.suffix == ".py"
            assert first == "# Generated from openapi/clinik.yaml by `make generate`; do not edit.", path.name
    for name, path in HANDWRITTEN.items():
        assert not path.read_text(encoding="utf-8").startswith("# Generated"), name


# -- how much there is ------------------------------------------------------------------------------------------------


def statements(node: ast.AST) -> int:
    """How many statements are below a node, at any depth; docstrings apart."""
    found = [child for child in ast.walk(node) if isinstance(child, ast.stmt) and child is not node]
    documented = [child for child in ast.walk(node) if isinstance(child, ast.FunctionDef | ast.ClassDef)]
    return len(found) - sum(ast.get_docstring(child) is not None for child in documented)


def test_statements_are_counted_at_any_depth() -> None:
    code = """
class A:
    'Doc.'
    x = 1

    def f(self):
        'Doc.'
        if self:
            return lambda: 1
"""
    assert statements(ast.parse(code).body[0]) == 4


@pytest.mark.parametrize("facade", FACADES, ids=lambda facade: facade.__name__)
def test_a_facade_has_at_most_40_statements(facade: type[Resource]) -> None:
    (definition,) = ast.parse(inspect.getsource(facade)).body
    assert statements(definition) <= 40


def test_the_facades_are_found() -> None:
    assert clinik_client.Encounters in FACADES


# -- what is told -----------------------------------------------------------------------------------------------------


def public_methods(cls: type[Any]) -> Iterator[tuple[str, FunctionType]]:
    for name, member in vars(cls).items():
        function = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and isinstance(function, FunctionType):
            yield f"{cls.__name__}.{name}", function


METHODS = dict(pair for cls in (Clinik, Pager, *FACADES) for pair in public_methods(cls))
PROPERTIES = {f"Pager.{name}" for name, member in vars(Pager).items() if isinstance(member, property)}


@pytest.mark.parametrize("name", METHODS)
def test_a_public_method_tells_its_arguments_its_result_and_an_example(name: str) -> None:
    text = inspect.getdoc(METHODS[name]) or ""
    # As it is written: what is shown has each field instead of **fields.
    annotations = METHODS[name].__annotations__
    arguments = [argument for argument in annotations if argument != "return"]
    section = text.partition("Args:\n")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^    (\w+): ", section, flags=re.MULTILINE)) == sorted(arguments)
    if annotations["return"] != "None" and name not in PROPERTIES:
        assert "\nReturns:\n    " in text
    assert "\nExample:\n    >>> " in text
    examples = doctest.DocTestParser().get_examples(text)
    assert not any(doctest.SKIP in example.options for example in examples)


def test_every_public_name_has_a_docstring() -> None:
    for name in vars(clinik_client)["__all__"]:
        thing = getattr(clinik_client, name)
        if inspect.isclass(thing):
            assert thing.__doc__, name


def test_every_public_method_is_used_in_a_test() -> None:
    used = {
        node.attr
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
    }
    assert {name.partition(".")[2] for name in METHODS} <= used


HIDDEN = {"httpx", "httpcore", "h11", "orjson", "openapi_python_client"}


def public_callables() -> Iterator[tuple[str, Any]]:
    for name in vars(clinik_client)["__all__"]:
        thing = getattr(clinik_client, name)
        if inspect.isclass(thing):
            yield f"{name}.__init__", thing.__init__
            yield from public_methods(thing)


@pytest.mark.parametrize("name", dict(public_callables()))
def test_no_public_signature_mentions_what_is_behind_the_door(name: str) -> None:
    function = dict(public_callables())[name]
    known = vars(sys.modules[getattr(function, "__module__", "builtins")])
    for annotation in getattr(function, "__annotations__", {}).values():
        for word in re.findall(r"[A-Za-z_]\w*", str(annotation)):
            thing = known.get(word)
            home = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", "")
            assert HIDDEN.isdisjoint({word, str(home).partition(".")[0]}), f"{name}: {word}"


def test_every_exception_of_the_sdk_that_can_leave_it_is_in_the_tree() -> None:
    for name, path in PROPER.items():
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith(("Error", "Exception")):
                thing = getattr(sys.modules[name.removesuffix(".py").replace("/", ".")], node.name)
                assert issubclass(thing, ClinikApiError)


# -- the tests --------------------------------------------------------------------------------------------------------

TESTS = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "tests").rglob("*.py"))}


def test_one_module_of_the_tests_looks_inside_a_client() -> None:
    looking = {
        name
        for name, path in TESTS.items()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "_session"
    }
    assert looking == {"tests/inside.py"}


ROOMS = [name for name in HANDWRITTEN if not name.endswith(("__init__.py", "_version.py"))]

# The names of the package, rooms without behaviour of their own, and those of the test kit that its parts are tested
# through.
TESTED_IN = {
    "clinik_client/__init__.py": "tests/test_public_names.py",
    "clinik_client/_encounters/lost_create.py": "tests/test_recovery.py",
    "clinik_client/_fhir_form.py": "tests/encounters/test_fhir.py",
    "clinik_client/_fhir_types.py": "tests/encounters/test_fhir.py",
    "clinik_client/_resource.py": "tests/encounters/test_facade.py",
    "clinik_client/_transport/network.py": "tests/transport/test_connect.py",
    "clinik_client/testing/__main__.py": "tests/testing/test_serve_command.py",
    "clinik_client/testing/_backend.py": "tests/testing/test_service.py",
    "clinik_client/testing/_bulk_requests.py": "tests/testing/sandbox/test_bulk.py",
    "clinik_client/testing/_choices.py": "tests/testing/test_faults.py",
    "clinik_client/testing/_connection.py": "tests/testing/test_wire.py",
    "clinik_client/testing/_exchange.py": "tests/testing/test_har.py",
    "clinik_client/testing/_fault.py": "tests/testing/test_faults.py",
    "clinik_client/testing/_recorder/finishing.py": "tests/testing/recorder/test_pseudonyms.py",
    "clinik_client/testing/_foreground.py": "tests/testing/sandbox/test_command.py",
    "clinik_client/testing/_recorder/forwarding.py": "tests/testing/recorder/test_recorder.py",
    "clinik_client/testing/_sandbox/jobs.py": "tests/testing/sandbox/test_bulk.py",
    "clinik_client/testing/_matching.py": "tests/testing/test_fixture_server.py",
    "clinik_client/testing/_account.py": "tests/testing/test_pytest_plugin.py",
    "clinik_client/testing/_hooks.py": "tests/testing/test_pytest_plugin.py",
    "clinik_client/testing/_plugin.py": "tests/testing/test_pytest_plugin.py",
    "clinik_client/testing/_recordings.py": "tests/testing/test_fixture_server.py",
    "clinik_client/testing/_recorder/renaming.py": "tests/testing/recorder/test_recorder.py",
    "clinik_client/testing/_recorder/replay.py": "tests/testing/recorder/test_recorder.py",
    "clinik_client/testing/_server.py": "tests/testing/test_fixture_server.py",
    "clinik_client/testing/_steps.py": "tests/testing/test_misbehaviour.py",
}


def where_tested(name: str) -> str:
    """Where the tests of a module are."""
    return TESTED_IN.get(name, mirror_of(name))


def mirror_of(name: str) -> str:
    *folders, module = [step.lstrip("_") for step in name.removeprefix("clinik_client/").split("/")]
    return "/".join(["tests", *folders, f"test_{module}"])


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_has_its_tests_where_one_looks_for_them(name: str) -> None:
    assert where_tested(name) in TESTS
    assert name not in TESTED_IN or mirror_of(name) not in TESTS


def test_no_two_classes_have_one_name() -> None:
    homes: dict[str, set[str]] = {}
    for path in [*HANDWRITTEN.values(), *TESTS.values(), *(ROOT / "generator").rglob("*.py")]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, set()).add(path.relative_to(ROOT).as_posix())
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_docstrings_are_written_in_one_style() -> None:
    marks = re.compile(r":(?:param|raises|returns?|rtype|type)\b[^`]*:|:(?:class|func|meth|attr|mod):`")
    for path in [*HANDWRITTEN.values(), *TESTS.values(), *(ROOT / "generator").rglob("*.py")]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                assert not marks.search(ast.get_docstring(node) or ""), path


def test_the_guide_to_the_recordings_names_each_of_them() -> None:
    folder = PACKAGE / "testing" / "recordings"
    told = re.findall(r"^\| `([\w-]+\.har)` \|", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(path.name for path in folder.glob("*.har"))
