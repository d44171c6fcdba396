"""Names of classes and properties that the generated code uses itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty

from ..context import LintContext
from ..rules import STOCK, Finding
from ..stock_run import helper_variables

RESERVED = STOCK.breaks(
    "property-reserved",
    "the model's own methods and variables are called so, and reading or writing the model fails or goes wrong",
    "another name, if the API allows it",
    ours="models only declare fields, under a name with an underscore where the base class has it",
)
TANGLED = STOCK.breaks(
    "property-tangled",
    "a helper variable for the elements of one property has the name of another property and changes what is sent",
    "another name, or the properties in another order",
    ours="models only declare fields",
)
CLASS_SHADOWS = STOCK.breaks(
    "class-shadows",
    "a class has the name of something that a module which uses it also imports, and hides it",
    "a more telling name, such as `ServiceResponse` for `Response`",
    ours="our templates import other names, which have a rule of their own",
)
METHODS_OF_MODELS = {"to_dict", "from_dict", "additional_properties", "additional_keys", "to_multipart"}
LOCALS_OF_MODELS = {"d", "cls", "field_dict", "cast", "prop_name", "prop", "prop_dict", "files"}


@STOCK.check
def properties(context: LintContext) -> Iterator[Finding]:
    for model in context.stock.models:
        members = [*(model.required_properties or []), *(model.optional_properties or [])]
        where = context.stock.place_of_class(str(model.class_info.name))
        reserved = set(METHODS_OF_MODELS | LOCALS_OF_MODELS)
        if not model.is_multipart_body:
            reserved -= {"to_multipart", "files"}
        if not model.additional_properties:
            reserved -= {"additional_keys"}
        for index, member in enumerate(members):
            name, wire = str(member.python_name), member.name.get_untrusted_value()
            if name in reserved and _harms(name, index, members, model):
                what = f"the property {wire} breaks the class {model.class_info.name}, which uses {name} itself"
                yield RESERVED.found(context, (*where, "properties", wire), what)
            helpers = helper_variables(member)
            for other in members[:index]:
                if str(other.python_name) in helpers:
                    spoilt = other.name.get_untrusted_value()
                    what = f"{model.class_info.name}.{spoilt} is sent with a value out of {wire}"
                    yield TANGLED.found(context, (*where, "properties", spoilt), what)


def _harms(name: str, index: int, members: list[Any], model: ModelProperty) -> bool:
    if name == "d":
        # What is taken out of the dict after it, and what is left over, is taken out of its value.
        return index < len(members) - 1 or bool(model.additional_properties)
    if name == "cast":
        return any(isinstance(member, ListProperty | UnionProperty) for member in members)
    if name in ("prop_name", "prop", "prop_dict"):
        return getattr(model.additional_properties, "template", "any_property.py.jinja") != "any_property.py.jinja"
    return name != "files"


@STOCK.check
def files(context: LintContext) -> Iterator[Finding]:
    for file in context.stock.files:
        for name in file.hidden:
            what = f"the class {name} hides the {name} that {file.name} imports"
            yield CLASS_SHADOWS.found(context, context.stock.place_of_class(name), what)
