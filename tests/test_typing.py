"""What type checkers say to programs that use the SDK, those of the documents among them.

Right ones pass, wrong ones are told where they are wrong.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import fields

from clinik_client import Encounter, EncounterCreateRequest, EncounterUpdateRequest
from clinik_client._codecs import Array, Codec, Constant, Enumeration, Map, OneOf
from clinik_client._model import Model, schema_of
from tests.test_docs import DOCUMENTS, PLAYED_ELSEWHERE, document_id, read_blocks

# A line that a type checker must refuse ends with `# E: ` and the code of the error; every other line must pass.

READ = {field.name for field in fields(Encounter)} - {"additional_properties"}
REQUIRED = {"status": "'planned'", "class_": "'VR'", "patient_id": "'pt_1'"}


def takes_what_is_read(codec: Codec) -> bool:
    """Whether a request takes any value of a response: of a closed enumeration it takes the documented ones only."""
    match codec:
        case Array() | Map():
            return takes_what_is_read(codec.item)
        case OneOf():
            return all(map(takes_what_is_read, codec.codecs))
    return codec.is_open if isinstance(codec, Enumeration) else not isinstance(codec, Constant)


def written_back(request: type[Model], method: str, required: dict[str, str]) -> str:
    """A program that gives a request what was read, field by field."""
    lines = []
    for name in (entry.name for entry in schema_of(request).entries if takes_what_is_read(entry.codec)):
        if name not in READ:
            continue
        given = ", ".join(f"{key}={value}" for key, value in {**required, name: f"encounter.{name}"}.items())
        call = f"clinik.encounters.{method}{given})"
        lines += [f"if encounter.{name} is not None:", f"    {call}", f"    {request.__name__}({given})"]
    return "\n".join(lines)


WRITTEN_BACK = written_back(EncounterUpdateRequest, "update('enc_1', ", {})
CREATED_AGAIN = written_back(EncounterCreateRequest, "create(", REQUIRED)

PROGRAM = """
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, assert_type

from clinik_client import (
    ApiResponse,
    Clinik,
    ClinikApiError,
    Diagnosis,
    Encounter,
    EncounterClass,
    EncounterCreateRequest,
    EncounterPage,
    EncounterSearchParams,
    EncounterStatus,
    EncounterUpdateRequest,
    EncounterUpdateRequestFields,
    FhirDateTime,
    Issue,
    Outcome,
    Pager,
    Participant,
    Period,
    Quota,
    ResponseMeta,
)

clinik = Clinik("clk_test_x", timeout=5, retries=0, deadline=None, verify="/etc/ca.pem")
now = datetime.now(UTC)

# -- what is returned ---------------------------------------------------------
assert_type(clinik.encounters.read("enc_1"), ApiResponse[Encounter])
assert_type(clinik.encounters.delete("enc_1"), ApiResponse[None])
assert_type(clinik.encounters.search(), ApiResponse[EncounterPage])
assert_type(clinik.encounters.search_all(), Pager[Encounter, EncounterPage])
assert_type(clinik.request("GET", "/health"), ApiResponse[Any])
assert_type(clinik.with_options(timeout=1), Clinik)
encounter, meta = clinik.encounters.read("enc_1", include=["patient"])
assert_type(encounter, Encounter)
assert_type(meta, ResponseMeta)
assert_type(meta.quota, Quota)
assert_type(meta.rate_limit_reset, float | None)
assert_type(meta.timestamp, FhirDateTime | None)
assert_type(encounter.id, str)
assert_type(encounter.status, EncounterStatus | str | None)
assert_type(encounter.class_, EncounterClass | str | None)
assert_type(encounter.period, Period | None)
assert_type(encounter.reason_code, str | list[str] | None)
assert_type(encounter.length_minutes, float | None)
assert_type(encounter.diagnosis, list[Diagnosis] | None)
assert_type(encounter.to_dict(), dict[str, Any])
assert_type(Encounter.from_dict({}), Encounter)
page, _ = clinik.encounters.search()
assert_type(page.data, list[Encounter])
assert_type(page.total, int | None)
assert_type(page.has_more, bool)
assert_type(page.cursor, str | None)
walk = clinik.encounters.search_all(limit=5)
assert_type(next(walk), Encounter)
assert_type(walk.total, int | None)
assert_type(walk.cursor, str | None)
for row, row_meta in walk.pages():
    assert_type(row.data, list[Encounter])
    assert_type(row_meta, ResponseMeta)
try:
    pass
except ClinikApiError as error:
    assert_type(error.status, int | None)
    assert_type(error.outcome, Outcome)
    assert_type(error.issues, list[Issue])

# -- what may be given --------------------------------------------------------
clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1")
clinik.encounters.create(
    status=EncounterStatus.PLANNED,
    class_=EncounterClass.VR,
    patient_id="pt_1",
    practitioner_id=None,
    participants=[{"practitioner_id": "prac_1"}, Participant(practitioner_id="prac_2", role="Surgeon")],
    reason_code=("Fever", "Cough"),
    period={"start": now, "end": date(2025, 6, 1)},
    diagnosis=[{"condition": "I10", "rank": 1}, Diagnosis(condition="I11")],
    hospitalization={"diet_preference": ["Vegetarian"]},
)
clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1", period=Period(start=now, end="2025-06-01"))
clinik.encounters.create({"status": "planned", "class": "VR", "patientId": "pt_1"})
clinik.encounters.create(EncounterCreateRequest(status="planned", class_="VR", patient_id="pt_1"))
clinik.encounters.update("enc_1", status="finished", length_minutes=30)
clinik.encounters.update("enc_1", {"status": "finished"})
clinik.encounters.update("enc_1", EncounterUpdateRequest(status=EncounterStatus.FINISHED))
clinik.encounters.search(date_from=date(2025, 6, 1), date_to="2025-06-30", status=None, count=25)
clinik.encounters.search(EncounterSearchParams(patient_id="pt_1"))
clinik.encounters.search_all({"patientId": "pt_1"}, limit=None)
clinik.request("POST", "/v1/x", params={"a": [1, 2]}, json={"b": None})
changes: EncounterUpdateRequestFields = {"status": "finished", "length_minutes": 30}
clinik.encounters.update("enc_1", **changes)
{WRITTEN_BACK}
{CREATED_AGAIN}

# -- what may not -------------------------------------------------------------
clinik.encounters.create(status="planned", class_="VR")  # E: call-overload
clinik.encounters.create(status="planed", class_="VR", patient_id="pt_1")  # E: call-overload
clinik.encounters.create(status="planned", class_=5, patient_id="pt_1")  # E: call-overload
clinik.encounters.create(status="planned", class_="VR", patient_id=7)  # E: call-overload
clinik.encounters.create(status="planned", class_="VR", patientId="pt_1")  # E: call-overload
clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1", pririty="high")  # E: call-overload
clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1", diagnosis=[{"rank": 1}])  # E: call-overload
clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1", period={"begin": now})  # E: call-overload
clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1", length_minutes="30")  # E: call-overload
clinik.encounters.create({"status": "planned"}, class_="VR")  # E: call-overload
clinik.encounters.create(EncounterUpdateRequest())  # E: call-overload
clinik.encounters.create()  # E: call-overload
clinik.encounters.update("enc_1", status=None)  # E: call-overload
clinik.encounters.update("enc_1", patient_id="pt_1")  # E: call-overload
clinik.encounters.update("enc_1", length_minutes=None)  # E: call-overload
clinik.encounters.update(status="finished")  # E: call-overload
clinik.encounters.update(1, status="finished")  # E: call-overload
clinik.encounters.search(status=5)  # E: call-overload
clinik.encounters.search(date_from=20250601)  # E: call-overload
clinik.encounters.search(pateint_id="pt_1")  # E: call-overload
clinik.encounters.search_all(limit="5")  # E: call-overload
clinik.encounters.read(5)  # E: arg-type
clinik.encounters.read("enc_1", include=[1])  # E: list-item
clinik.encounters.read("enc_1", includes=["patient"])  # E: call-arg
clinik.encounters.delete()  # E: call-arg
clinik.encounters.delet("enc_1")  # E: attr-defined
encounter.patientId  # E: attr-defined
encounter.period.start  # E: union-attr
meta.status = 200  # E: misc
clinik.with_options(retry=1)  # E: call-arg
clinik.request("GET")  # E: call-arg
Clinik(5)  # E: arg-type
Clinik(timeout="30")  # E: arg-type
EncounterCreateRequest(status="planned", class_="VR")  # E: call-arg
""".replace("{WRITTEN_BACK}", WRITTEN_BACK).replace("{CREATED_AGAIN}", CREATED_AGAIN)


def test_all_that_an_update_and_a_create_have_in_common_with_an_encounter_is_written_back() -> None:
    for program, method, request in (
        (WRITTEN_BACK, "update", EncounterUpdateRequest),
        (CREATED_AGAIN, "create", EncounterCreateRequest),
    ):
        expected = [entry.name for entry in schema_of(request).entries if takes_what_is_read(entry.codec)]
        assert program.count(f"clinik.encounters.{method}(") == len(expected)


def write_programs(folder: Path) -> list[str]:
    """Write down the program above, and those of each document in a folder of its own, with their lines where they are.

    Returns:
        The folders of the documents.
    """
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    for path in DOCUMENTS:
        document, script = document_id(path).removesuffix(".md"), list[str]()
        for block in read_blocks(path.read_text(encoding="utf-8")):
            if block.language != "python" or document_id(path) in PLAYED_ELSEWHERE:
                continue
            file = folder / document / (block.file or f"{path.stem}.py")
            file.parent.mkdir(parents=True, exist_ok=True)
            if block.file is None:
                script += [""] * (block.line - 1 - len(script)) + block.text.splitlines()
            file.write_text(block.text if block.file else "\n".join(script), encoding="utf-8")
    return [name for path in DOCUMENTS if (folder / (name := document_id(path).removesuffix(".md"))).is_dir()]


def expected() -> set[tuple[str, str]]:
    return {
        (f"program.py:{number}", found[1])
        for number, line in enumerate(PROGRAM.splitlines(), start=1)
        if (found := re.search(r"# E: ([a-z-]+)$", line))
    }


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """What a type checker prints, which finds the package where it is installed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr + done.stdout
    return done.stdout


def test_mypy_accepts_every_snippet_and_what_is_right_and_refuses_what_is_wrong(
    tmp_path: Path, mypy_cache: Path
) -> None:
    folders = write_programs(tmp_path)
    output = run(
        tmp_path,
        *("mypy", "--strict", "--config-file=", "--no-error-summary", "--hide-error-context", "--no-pretty"),
        *("--explicit-package-bases", f"--cache-dir={mypy_cache}", "program.py", *folders),
        MYPYPATH=os.pathsep.join(folders),
    )
    errors = re.findall(r"^([^:\n]+:\d+): error: .*?  \[([a-z-]+)\]$", output, flags=re.MULTILINE)
    assert set(errors) == expected(), output


@pytest.mark.long
def test_pyright_accepts_every_snippet_and_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    write_programs(tmp_path)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}', encoding="utf-8")
    output = run(tmp_path, "basedpyright", "--pythonpath", sys.executable)
    errors = re.findall(rf"^  {re.escape(str(tmp_path))}/(.+:\d+):\d+ - error: ", output, flags=re.MULTILINE)
    assert set(errors) == {place for place, _ in expected()}, output
