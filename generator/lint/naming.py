"""Names as the generator makes them, and defaults as it writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from openapi_python_client import schema as oai
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import PropertyError
from openapi_python_client.parser.properties import Schemas, property_from_data
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import ClassName, PythonIdentifier

PREFIX = "field_"
TEMPLATES = Path(__file__).parents[1] / "templates"


@cache
def names_in_templates() -> frozenset[str]:
    """What our own templates import, and a schema's class would hide."""
    found: set[str] = set()
    for file in sorted(TEMPLATES.glob("*.jinja")):
        for line in re.findall(r"^from [\w.]+ import ([\w, ]+)$", file.read_text(encoding="utf-8"), re.MULTILINE):
            found.update(name.split(" as ")[-1].strip() for name in line.split(","))
    return frozenset(found)


def python_name(name: str) -> str:
    """The identifier that the generator makes of a name."""
    return str(PythonIdentifier(name, PREFIX))


def class_name(name: str) -> str:
    """The class name that the generator makes of a name."""
    return str(ClassName(name, PREFIX))


def raw_name(name: str) -> str:
    """The identifier that the generator falls back to where two names become the same."""
    return str(PythonIdentifier(name, PREFIX, skip_snake_case=True))


def default_fits(body: Mapping[str, Any]) -> bool:
    """Whether the generator can write the default of a schema as Python."""
    alone = {key: value for key, value in body.items() if key in ("type", "format", "enum", "const", "default")}
    config = Config.from_sources(ConfigFile(), MetaType.NONE, Path(), "utf-8", True, None)
    try:
        made, _ = property_from_data(
            name=UntrustedString("a"),
            required=True,
            data=oai.Schema.model_validate(alone),
            schemas=Schemas(),
            parent_name="b",
            config=config,
        )
    except ValueError:
        return True
    return not isinstance(made, PropertyError)
