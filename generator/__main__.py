"""Generate ``clinik_client/_generated`` from ``openapi/clinik.yaml``: ``python -m generator``.

The output is made in a temporary folder and swapped in when everything went well, so a document that cannot be used
leaves the committed output as it was.
"""

from __future__ import annotations

import argparse
import contextlib
import filecmp
import io
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

from openapi_python_client import Project

from .codecs import module_name
from .document import DocumentError, load
from .lint import lint
from .parse import parse, told
from .prepare import prepare
from .report import changes, report
from .sources import Prepared, described

HERE = Path(__file__).parent
ROOT = HERE.parent
DOCUMENT = ROOT / "openapi" / "clinik.yaml"
OUTPUT = ROOT / "clinik_client" / "_generated"

# Written by the stock templates, and not part of the SDK: it sends, fails and marks absence in its own way.
UNUSED = ("client.py", "errors.py")


def generate(prepared: Prepared, output: Path, name: str) -> None:
    """Run openapi-python-client on what was prepared and leave models and endpoint modules in ``output``.

    Args:
        prepared: what the document gives.
        output: a folder that is not there yet.
        name: how the generated files call the document.

    Raises:
        DocumentError: the document cannot be used.
    """
    parsed, config = parse(prepared, name, output)
    project = Project(openapi=parsed, config=config, custom_template_path=HERE / "templates")
    project.env.filters["wrap"] = _wrap
    project.env.globals.update(models=prepared.models, enums=prepared.enums, operations=prepared.operations)
    project.env.globals.update(scalars=prepared.scalars, module_of=module_name, described=described)
    with _formatter_on_path(), contextlib.redirect_stdout(io.StringIO()):
        errors = project.build()
    if errors:
        raise DocumentError(f"{name}:1: openapi-python-client reports: {told(errors)}")
    for unused in UNUSED:
        (output / unused).unlink()
    for file in sorted(output.rglob("*.py")):
        body = file.read_text(encoding="utf-8")
        file.write_text(
            f"# Generated from {name} by `make generate`; do not edit.\n{body}", encoding="utf-8", newline="\n"
        )


@contextlib.contextmanager
def _formatter_on_path() -> Iterator[None]:
    # The formatter is the one installed beside this interpreter, wherever make was called from.
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _wrap(text: str, indent: int) -> str:
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    wrapped = [
        textwrap.fill(part, width=112 - indent, break_long_words=False, break_on_hyphens=False)
        for part in paragraphs
        if part
    ]
    return textwrap.indent("\n\n".join(wrapped), " " * indent).lstrip()


def differences(made: Path, committed: Path) -> list[str]:
    """What is not the same in two folders, bytecode apart; empty when they agree."""
    names = {
        file.relative_to(folder).as_posix()
        for folder in (made, committed)
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    found = []
    for name in sorted(names):
        if not (committed / name).is_file():
            found.append(f"missing: {name}")
        elif not (made / name).is_file():
            found.append(f"not generated: {name}")
        elif not filecmp.cmp(made / name, committed / name, shallow=False):
            found.append(f"differs: {name}")
    return found


def swap(made: Path, output: Path) -> None:
    """Put a freshly made folder in the place of the old one."""
    old = made.with_name("old")
    if output.exists():
        shutil.move(output, old)
    try:
        shutil.move(made, output)
    except BaseException:
        if old.exists():
            shutil.move(old, output)
        raise


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m generator", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell whether the committed output is up to date")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    file: Path = options.document
    name = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    with tempfile.TemporaryDirectory(prefix="clinik-generate-") as folder:
        made = Path(folder) / "_generated"
        try:
            # First what the SDK does not support, which has messages of its own; then what would get lost silently, or
            # end the generator with a traceback.
            prepared = prepare(load(file, name))
            found = lint(file, name, for_="clinik")
            if found.stops:
                print("\n".join(map(str, found.stops)), file=sys.stderr)
                return 1
            generate(prepared, made, name)
        except DocumentError as error:
            print(error, file=sys.stderr)
            return 1
        if options.check:
            differing = differences(made, options.output)
            if differing:
                print(f"{options.output.name} is not what {name} gives; run `make generate`:", file=sys.stderr)
                print("\n".join(f"  {line}" for line in differing), file=sys.stderr)
            return 1 if differing else 0
        for finding in found.warnings:
            print(f"warning: {finding}", file=sys.stderr)
        before = _committed_version(file)
        swap(made, options.output)
        print(report(changes(before, prepared)) if before else f"Generated from {name}.")
    return 0


def _committed_version(file: Path) -> Prepared | None:
    """What the last commit's version of the document gives; ``None`` where there is none or it cannot be used."""
    if not file.is_relative_to(ROOT):
        return None
    version = f"HEAD:./{file.relative_to(ROOT).as_posix()}"
    try:
        shown = subprocess.run(["git", "-C", str(ROOT), "show", version], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    if shown.returncode != 0:
        return None
    with tempfile.TemporaryDirectory(prefix="clinik-committed-") as folder:
        old = Path(folder) / file.name
        old.write_bytes(shown.stdout)
        try:
            return prepare(load(old, file.name))
        except DocumentError:
            return None


if __name__ == "__main__":
    sys.exit(main())
