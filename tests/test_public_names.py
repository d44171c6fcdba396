"""What `clinik_client` gives to whoever imports from it: the same to Python and to a type checker."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from mypy import api

import clinik_client
from clinik_client._generated import models


def test_every_public_name_has_a_home_in_a_private_module_or_in_the_models() -> None:
    for name in vars(clinik_client)["__all__"]:
        home = getattr(getattr(clinik_client, name), "__module__", "clinik_client")
        assert home.startswith(("clinik_client", "typing")), name


def test_all_that_the_models_make_public_is_public() -> None:
    assert set(models.__all__) <= set(vars(clinik_client)["__all__"])


def test_what_a_program_needs_for_its_own_annotations_is_public() -> None:
    needed = {"Verdict", "Pager", "Page", "EncounterPage", "Precision", "Outcome", "Issue", "FindResult", "ApiResponse"}
    assert needed <= set(vars(clinik_client)["__all__"])


@pytest.mark.parametrize("module", [clinik_client, models], ids=lambda module: module.__name__)
def test_a_name_that_there_is_not_is_an_attribute_error(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'Nothing'"):
        _ = module.Nothing
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        exec(f"from {module.__name__} import Nothing")


def test_importing_all_names_gives_a_type_checker_what_it_gives_python(tmp_path: Path, mypy_cache: Path) -> None:
    names = [name for name in vars(clinik_client)["__all__"] if not name.startswith("__")]
    program = tmp_path / "program.py"
    lines = ["from clinik_client import *", *(f"print({name})" for name in names), "print(os)"]
    lines += ["import clinik_client", "print(clinik_client.Nothing)", "print(ResponseMeta().nothing)"]
    program.write_text("\n".join(lines))
    options = ["--strict", "--config-file=", "--no-error-summary", f"--cache-dir={mypy_cache}"]
    output, trouble, _ = api.run([*options, str(program)])
    assert trouble == ""
    assert [line.partition(": error: ")[2] for line in output.splitlines() if ": error: " in line] == [
        'Name "os" is not defined  [name-defined]',
        'Module has no attribute "Nothing"  [attr-defined]',
        '"ResponseMeta" has no attribute "nothing"  [attr-defined]',
    ]
