"""References: what is beside a $ref, and where it leads."""

from __future__ import annotations

from collections.abc import Iterator

from .context import LintContext
from .keywords import ANNOTATIONS
from .rules import LOSSES, Finding

# The generator tells of a circle in words that fit the next rule, too, so this one is asked first.
CIRCLE = LOSSES.breaks(
    "reference-circle",
    "a schema that leads to itself by references, items or allOf alone is left out",
    "an object with a property that refers back",
    says=r"Circular schema references|Recursive and circular|Recursive allOf",
)
NOT_FOUND = LOSSES.breaks(
    "reference-not-found",
    "what uses a $ref is left out because there is no class for it: it leads out of components/schemas, to "
    "another file, to nothing, or to a schema that is left out itself",
    "`$ref: '#/components/schemas/Name'`, and see the findings of Name",
    ours="not lost where what it refers to is not",
    says=r"Could not find ref(?!erence:)|Remote references|Reference [^`]+ not found|"
    r"Referent schema not found|was not processed",
)
WITH_ANOTHER = LOSSES.breaks(
    "class-dropped-with-another",
    "a class is left out because it uses one that is left out, or shares its name with one",
    "the other schema as its own finding says",
    ours="not lost where the other one is not",
)
REF_SIBLINGS = LOSSES.drops(
    "reference-siblings",
    "what is written beside a $ref is dropped: descriptions, limits, defaults",
    "the limits in the schema referred to; a description, too, if it must reach the generated code",
    ours="descriptions are kept, and limits beside a $ref to a text, a number or a list; not beside one to an object",
)


@LOSSES.check
def references(context: LintContext) -> Iterator[Finding]:
    """The references that lead nowhere: of those in one class, the generator tells the first."""
    told_already = {context.stock.place(error.data) for error in context.stock.errors}
    for schema in context.schemas:
        reference = schema.body.get("$ref")
        if "$ref" in schema.body and context.document.target(reference) is None and schema.path not in told_already:
            yield NOT_FOUND.found(context, (*schema.path, "$ref"), f"{schema.name} ({reference}: there is nothing)")


@LOSSES.check
def beside_references(context: LintContext) -> Iterator[Finding]:
    for schema in context.schemas:
        if "$ref" not in schema.body:
            continue
        siblings = [key for key in schema.body if key not in ("$ref", "$comment") and not key.startswith("x-")]
        if siblings:
            target = context.document.resolve(schema.body)
            scalar = "properties" not in target and "enum" not in target and "allOf" not in target
            yield REF_SIBLINGS.found(
                context,
                (*schema.path, siblings[0]),
                f"{', '.join(siblings)} of {schema.name} beside its $ref",
                compensated=scalar or all(key in (*ANNOTATIONS, "default") for key in siblings),
            )
