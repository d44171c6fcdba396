"""The stock generator, run on a document in a test, and its output, imported."""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
from attrs import frozen
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import ErrorLevel, GeneratorError

_numbers = itertools.count()

HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"


def document(paths: str = "", schemas: str = "", more: str = "", components: str = "") -> str:
    """A document of these parts, each written without its indentation."""
    text = HEAD + textwrap.dedent(more)
    text += f"paths:\n{_in(paths, 2)}" if paths else "paths: {}\n"
    if schemas or components:
        text += f"components:\n{_in(components, 2)}"
        text += f"  schemas:\n{_in(schemas, 4)}" if schemas else ""
    return text


def operation(text: str, url: str = "/x", method: str = "get", responses: str = "'204': {description: d}") -> str:
    """The paths with one operation, called `op`."""
    return f"{url}:\n  {method}:\n    operationId: op\n{_in(text, 4)}    responses:\n{_in(responses, 6)}"


def parameter(place: str, schema: str, name: str = "p", more: str = "", mark: str = "schema") -> str:
    """The paths with one operation, `op`, that has one parameter; the line of its schema or name is marked."""
    url = f"/x/{{{name}}}" if place == "path" else "/x"
    required = "required: true" if place == "path" else "required: false"
    marks = {key: " # here" if key == mark and "# here" not in more else "" for key in ("schema", "name")}
    text = f"parameters:\n- name: {name}{marks['name']}\n  in: {place}\n  {required}\n{_in(more, 2)}"
    return operation(f"{text}  schema: {schema}{marks['schema']}", url)


def _in(text: str, by: int) -> str:
    text = textwrap.dedent(text).strip("\n")
    return textwrap.indent(text, " " * by) + "\n" if text else ""


@frozen
class Stock:
    """What the stock generator made."""

    folder: Path
    errors: Sequence[GeneratorError]

    @property
    def succeeded(self) -> bool:
        """Whether its command would end with exit code 0."""
        return not any(error.level is ErrorLevel.ERROR for error in self.errors)

    @property
    def silent(self) -> bool:
        return not self.errors

    def text(self, name: str) -> str:
        """A file of the output, empty if it is not there."""
        file = self.folder / name
        return file.read_text() if file.is_file() else ""

    def everything(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.folder.rglob("*.py")))

    def load(self, module: str) -> ModuleType:
        return importlib.import_module(f"{self.folder.name}.{module}")

    def cls(self, name: str) -> Any:
        return getattr(self.load("models"), name)

    def has(self, name: str) -> bool:
        """Whether there is a class of this name."""
        return f'"{name}"' in self.text("models/__init__.py")

    @property
    def op(self) -> ModuleType:
        """The module of the operation `op`."""
        return self.load("api.default.op")

    @property
    def has_op(self) -> bool:
        return bool(self.text("api/default/op.py"))

    def request(self, **given: Any) -> httpx.Request:
        """What `op` sends."""
        kwargs = self.op._get_kwargs(**given)
        with httpx.Client(base_url="http://stock.test") as client:
            return client.build_request(**kwargs)

    def read(self, content: bytes, status: int = 200) -> Any:
        """What `op` reads from a response."""
        client = self.load("client").Client(base_url="http://stock.test")
        return self.op._build_response(client=client, response=httpx.Response(status, content=content)).parsed


@contextlib.contextmanager
def made(text: str, folder: Path, suffix: str = ".yaml") -> Iterator[Stock]:
    """Run the stock generator on a document, as its command does, but for the formatting."""
    file = folder / f"document{suffix}"
    file.write_text(text)
    output = folder / f"stock_output_{next(_numbers)}"
    config = Config.from_sources(
        ConfigFile(post_hooks=[]),
        meta_type=MetaType.NONE,
        document_source=file,
        file_encoding="utf-8",
        overwrite=True,
        output_path=output,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        errors = generate(config=config)
    sys.path.insert(0, str(folder))
    try:
        yield Stock(output, errors)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == output.name]:
            del sys.modules[name]
