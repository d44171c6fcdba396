"""What `make generate` promises about its output, and about documents that cannot be used."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.__main__ import DOCUMENT, OUTPUT, ROOT, differences, generate, main
from generator.document import Document, DocumentError, check, load
from generator.lint import lint
from generator.lint.__main__ import main as lint_main
from generator.prepare import prepare

from .edited import edited_document, write_document
from .stock import document, operation


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
    }


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A committed output, to be left alone or replaced."""
    shutil.copytree(OUTPUT, tmp_path / "_generated", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "_generated"


@pytest.mark.long
def test_another_run_with_another_hash_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    output = tmp_path / "_generated"
    subprocess.run(
        [sys.executable, "-m", "generator", "--output", str(output)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "271828"},
        check=True,
        capture_output=True,
    )
    assert differences(output, OUTPUT) == []


def test_the_committed_output_is_what_the_document_gives() -> None:
    assert main(["--check"]) == 0


def test_every_generated_file_says_so_on_its_first_line() -> None:
    files = list(OUTPUT.rglob("*.py"))
    assert files
    for file in files:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# Generated from openapi/clinik.yaml by `make generate`; do not edit."


def test_only_models_and_endpoint_modules_are_left() -> None:
    assert {path.name for path in OUTPUT.iterdir()} - {"__pycache__"} == {"__init__.py", "api", "models", "types.py"}
    for file in OUTPUT.rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        assert "httpx" not in source
        assert "async def" not in source


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda output: (output / "models" / "stray.py").write_text("# not tracked\n"),
            "not generated: models/stray.py",
        ),
        (lambda output: (output / "notes.txt").write_text("neither is this\n"), "not generated: notes.txt"),
        (lambda output: (output / "models" / "period.py").write_text("# by hand\n"), "differs: models/period.py"),
        (lambda output: (output / "models" / "period.py").unlink(), "missing: models/period.py"),
    ],
)
def test_whatever_is_not_as_generated_is_a_difference(output: Path, spoil: Callable[[Path], object], told: str) -> None:
    assert differences(OUTPUT, output) == []
    spoil(output)
    assert differences(OUTPUT, output) == [told]


@pytest.mark.long
def test_check_fails_on_a_difference_and_changes_nothing(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (output / "models" / "stray.py").write_text("# not tracked\n")
    before = folder_bytes(output)
    assert main(["--check", "--output", str(output)]) == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert folder_bytes(output) == before


@pytest.mark.long
def test_generating_removes_what_does_not_belong_there(output: Path, tmp_path: Path) -> None:
    (output / "models" / "stray.py").write_text("# left over\n")
    assert main(["--output", str(output)]) == 0
    assert differences(OUTPUT, output) == []


BAD_DOCUMENTS = {
    "not YAML": ("openapi: 3.1.0\ninfo: [unclosed\n", "bad.yaml:3: is not YAML"),
    "tabs": ("openapi: 3.1.0\n\tinfo: x\n", "bad.yaml:2: is not YAML"),
    "not a mapping": ("- just\n- a list\n", "bad.yaml:1: is not an OpenAPI 3 document"),
    "empty": ("", "bad.yaml:1: is not an OpenAPI 3 document"),
    "no OpenAPI": ("title: something else\n", "bad.yaml:1: is not an OpenAPI 3 document"),
    "another version": (
        "openapi: 3.0.3\ninfo: {title: A, version: '1'}\npaths: {}\n",
        "bad.yaml:1: OpenAPI 3.0.3 is not",
    ),
    "a swagger": ("swagger: '2.0'\ninfo: {title: A, version: '1'}\n", "bad.yaml:1: is not an OpenAPI 3 document"),
    "duplicate key": ("openapi: 3.1.0\ninfo: {title: A}\ninfo: {title: B}\n", "bad.yaml:3: is not YAML"),
}


@pytest.mark.parametrize(("text", "message"), BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_a_file_that_is_no_document_is_refused_in_one_line_and_the_output_stays(
    text: str, message: str, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    refused(file, output, message, capsys)


def refused(file: Path, output: Path, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = folder_bytes(output)
    assert main(["--document", str(file), "--output", str(output)]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert len([line for line in told.splitlines() if file.name in line]) == 1
    assert folder_bytes(output) == before


def broken_reference(document: Any) -> None:
    document["components"]["schemas"]["Period"]["properties"]["start"]["$ref"] = "#/components/schemas/Nowhere"


def other_file(document: Any) -> None:
    document["components"]["schemas"]["Period"]["properties"]["start"]["$ref"] = "other.yaml#/Start"


def cookie(document: Any) -> None:
    document["paths"]["/v1/encounters"]["get"]["parameters"].append(
        {"name": "session", "in": "cookie", "schema": {"type": "string"}}
    )


def form_body(document: Any) -> None:
    content = document["paths"]["/v1/encounters"]["post"]["requestBody"]["content"]
    content["application/x-www-form-urlencoded"] = content.pop("application/json")


def other_bodies(document: Any) -> None:
    content = document["paths"]["/v1/encounters/{id}"]["patch"]["requestBody"]["content"]
    del content["application/json-patch+json"]["schema"]


def misspelled(document: Any) -> None:
    document["paths"]["/v1/encounters"]["get"]["sumary"] = "Search"


def circle(document: Any) -> None:
    document["components"]["schemas"]["Period"]["properties"]["start"]["$ref"] = "#/components/schemas/Round"
    document["components"]["schemas"]["Round"] = {"$ref": "#/components/schemas/Round"}


def part_of_a_schema(document: Any) -> None:
    properties = document["components"]["schemas"]["Period"]["properties"]
    properties["start"]["$ref"] = "#/components/schemas/Period/properties/end"


def same_name_twice(document: Any) -> None:
    properties = document["components"]["schemas"]["Period"]["properties"]
    properties["startTime"] = {"type": "string"}
    properties["start_time"] = {"type": "string"}


def same_type_twice(document: Any) -> None:
    schemas = document["components"]["schemas"]
    schemas["PeriodFields"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    schemas["Encounter"]["properties"]["fields"] = {"$ref": "#/components/schemas/PeriodFields"}


def same_constant_twice(document: Any) -> None:
    schemas = document["components"]["schemas"]
    schemas["record_id"] = {"type": "string", "maxLength": 5}
    schemas["Encounter"]["properties"]["basedOnId"] = {"$ref": "#/components/schemas/record_id"}


def not_valid(document: Any) -> None:
    document["paths"]["/v1/encounters"]["get"]["parameters"][0]["in"] = "nowhere"


def no_operation_id(document: Any) -> None:
    del document["paths"]["/v1/encounters"]["get"]["operationId"]


def unknown_resource(document: Any) -> None:
    document["components"]["schemas"]["Encounter"]["x-fhir-resource"] = "Observation"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (unknown_resource, "x-fhir-resource: Observation cannot be read: no fhir.py in clinik_client has a FhirForm"),
        (broken_reference, "$ref to something that is not there: #/components/schemas/Nowhere"),
        (other_file, "$ref to another file is not supported"),
        (circle, "#/components/schemas/Round refers to itself"),
        (part_of_a_schema, "$ref to something without a name"),
        (misspelled, "is not valid OpenAPI 3.1 at paths//v1/encounters/get/sumary: sumary is not known here; did you"),
        (cookie, "a cookie parameter (session) is not supported"),
        (form_body, "is not supported; use application/json, or several"),
        (other_bodies, "application/json-patch+json has another schema than application/json; give both the same"),
        (same_name_twice, "would both be called start_time"),
        (same_type_twice, "two types would be called PeriodFields"),
        (same_constant_twice, "would both be called RECORD_ID"),
        (not_valid, "is not valid OpenAPI 3.1 at paths"),
        (no_operation_id, "an operation without operationId"),
    ],
)
def test_a_document_that_cannot_be_followed_is_refused_with_its_line(edit: Callable[[Any], None], message: str) -> None:
    document = edited_document(edit)
    with pytest.raises(DocumentError, match=rf"^edited\.yaml:\d+: .*{re.escape(message)}"):
        _follow(document)


def _follow(document: Document) -> None:
    check(document)
    prepare(document)


NO_STATUSES = ["4X9", "4xx", "2xx", "201x", "XXX", "6XX", "abc", "", "20", "99", "600", "1000"]


@pytest.mark.parametrize("status", NO_STATUSES)
def test_a_response_under_a_key_that_is_no_status_is_refused_with_its_line(
    status: str, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        document(paths=operation("", responses=f"'204': {{description: d}}\n'{status}': {{description: d}}"))
    )
    told = f"bad.yaml:9: {status} is no status; write 100 to 599, 1XX to 5XX, or default"
    refused(file, output, told, capsys)
    assert lint_main([str(file), "--for", "clinik"]) == 1
    assert told in capsys.readouterr().err
    found = {(finding.rule.id, finding.line) for finding in lint(file).losses}
    assert ("status-pattern", 9) in found


@pytest.mark.parametrize("status", ["100", "204", "599", "1XX", "5XX", "default", "x-notes"])
def test_statuses_ranges_default_and_extensions_are_taken(status: str, tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(document(paths=operation("", responses=f"'200': {{description: d}}\n{status}: {{description: d}}")))
    prepare(load(file))


def test_a_message_points_at_the_right_line(tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_document(broken_reference, tmp_path / "edited.yaml")
    line = file.read_text(encoding="utf-8").splitlines().index("          $ref: '#/components/schemas/Nowhere'") + 1
    refused(file, output, f"edited.yaml:{line}: ", capsys)


@pytest.mark.long
def test_a_failing_generator_leaves_the_output(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("generator.__main__._formatter_on_path", _no_formatter)
    before = folder_bytes(output)
    assert main(["--output", str(output)]) == 1
    assert "ruff is not in PATH" in capsys.readouterr().err
    assert folder_bytes(output) == before


class _no_formatter:
    def __enter__(self) -> None:
        self.before = os.environ["PATH"]
        os.environ["PATH"] = ""

    def __exit__(self, *_: object) -> None:
        os.environ["PATH"] = self.before


@pytest.mark.long
def test_settings_of_the_repository_do_not_leak_into_the_output(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 40\n", encoding="utf-8")
    generate(prepare(load(DOCUMENT)), tmp_path / "_generated", "openapi/clinik.yaml")
    assert differences(tmp_path / "_generated", OUTPUT) == []


def test_a_read_that_may_come_as_a_bundle_responds_with_the_record() -> None:
    assert prepare(edited_document(lambda root: None)).operations["read_encounter"].response == "Encounter"


@pytest.mark.parametrize("others", [["EncounterPageResponse"], ["EncounterPageResponse", "BundleResponse"]])
def test_a_response_that_may_be_one_of_two_records_is_refused(others: list[str]) -> None:
    def edit(root: Any) -> None:
        content = root["paths"]["/v1/encounters/{id}"]["get"]["responses"]["200"]["content"]
        names = ["EncounterResponse", *others]
        content["application/json"]["schema"] = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}

    with pytest.raises(DocumentError, match="a body that is not an object with properties"):
        prepare(edited_document(edit))
