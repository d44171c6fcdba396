"""What the templates write: models, fields, enumerations, endpoints and named scalars, worked out of the document."""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field, frozen

from .codecs import CodecSource, class_name, constant_name
from .fhir import FhirName


@frozen
class FieldSource:
    """One field of a generated model."""

    wire: str
    python: str
    codec: CodecSource
    required: bool
    description: str
    none: bool = True
    """Whether a caller may give None for "not given"."""

    @property
    def annotation(self) -> str:
        return self.codec.type if self.required or self.codec.type == "Any" else f"{self.codec.type} | None"

    @property
    def input(self) -> str:
        none = self.codec.nullable or (self.none and not self.required)
        text = f"{self.codec.input} | None" if none and self.codec.input != "Any" else self.codec.input
        return f"Required[{text}]" if self.required else text

    @property
    def definition(self) -> str:
        arguments = [] if self.required else ["default=None"]
        if self.codec.converter:
            arguments.append(f"converter={self.codec.converter}")
        flags = "".join(f", {flag}=True" for flag in ("required", "nullable") if self._flag(flag))
        arguments.append(f"metadata=wire({json.dumps(self.wire, ensure_ascii=False)}, {self.codec.code}{flags})")
        return f"_field({', '.join(arguments)})"

    def _flag(self, name: str) -> bool:
        return self.required if name == "required" else self.codec.nullable

    @property
    def doc(self) -> str:
        return described(self.description, self.codec)


@frozen
class ModelSource:
    """One generated class."""

    name: str
    description: str
    fields: tuple[FieldSource, ...]
    is_input: bool
    """It is part of a request, so callers give it as a dict too."""
    is_output: bool
    """It is part of a response."""
    is_open: bool
    other_form: FhirName | None
    """FHIR's form of it, if responses may hold that instead."""

    @property
    def imports(self) -> list[str]:
        """The other generated classes that its types mention."""
        return sorted({class_name(name) for entry in self.fields for name in entry.codec.names} - {self.name})

    @property
    def public(self) -> list[str]:
        """The names that callers may use in their own annotations."""
        return [self.name, f"{self.name}Fields"] if self.is_input else [self.name]

    @property
    def scalars(self) -> list[str]:
        """The constants that its codecs mention."""
        return sorted({constant_name(name) for entry in self.fields for name in entry.codec.scalars})

    @property
    def rest(self) -> str:
        """What is in its ``additional_properties``."""
        if self.is_output:
            return "What the API sent beyond these fields, as it came, by its name on the wire."
        if self.is_open:
            return "What is to be sent beyond these fields, by its name on the wire."
        return "What `from_dict` was given beyond these fields. Nothing may be: sending it is refused."


@frozen
class Member:
    value: str | int
    description: str


@frozen
class EnumSource:
    """One generated enumeration."""

    name: str
    description: str
    members: dict[str | int, Member]

    @property
    def public(self) -> list[str]:
        """The names that callers may use in their own annotations."""
        return [self.name, f"{self.name}Literal"]


@frozen
class EndpointSource:
    """One generated endpoint module."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    path_parameters: tuple[tuple[str, str, CodecSource, str], ...]
    """Wire name, Python name, codec, description."""
    params: str | None
    body: str | None
    response: str | None
    media_types: tuple[str, ...] = ()
    """Those of the body, the first to be tried first."""

    @property
    def scalars(self) -> list[str]:
        """The constants that its path parameters mention."""
        return sorted({constant_name(name) for _, _, codec, _ in self.path_parameters for name in codec.scalars})

    @property
    def given(self) -> str | None:
        """The model that the caller fills."""
        return self.body or self.params


@frozen
class ScalarSource:
    """One named scalar: a component that is a value with limits."""

    name: str
    codec: CodecSource
    description: str

    @property
    def doc(self) -> str:
        return described(self.description, self.codec)


def described(description: str, codec: CodecSource) -> str:
    """A description and the limits, if it does not tell them itself."""
    told = not codec.limits or codec.limits in description
    return description if told else f"{description} ({codec.limits})"


@define
class Prepared:
    """What the generator works from."""

    document: dict[str, Any]
    models: dict[str, ModelSource] = field(factory=dict)
    enums: dict[str, EnumSource] = field(factory=dict)
    scalars: dict[str, ScalarSource] = field(factory=dict)
    """By the name of their constant, each behind those that it is made of."""
    operations: dict[str, EndpointSource] = field(factory=dict)
    handwritten: dict[str, tuple[str, str]] = field(factory=dict)
    """What handwritten code repeats: by its place, the constant and what the document says."""
