"""Makes findings of what the stock generator says: its warnings, its refusals, and the exception that it ends with.

Which rule a warning belongs to is told by the rules: each that has one knows the words in `says`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define
from openapi_python_client import schema as oai
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import ParseError, PropertyError
from openapi_python_client.parser.properties import Schemas, property_from_data
from openapi_python_client.schema import Reference
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier

from ..document import Pointer, mapping, sequence
from .composition import UNION_BRANCH
from .context import LintContext, told
from .names import CLASS_NAME_TAKEN, PROPERTY_NAMES_COLLIDE
from .references import NOT_FOUND, WITH_ANOTHER
from .rules import LOSSES, STOCK, Finding, Rule
from .schemas import DEFAULT_INVALID
from .stock_run import PREFIX

REFUSED = LOSSES.breaks(
    "document-refused",
    "the generator refuses the whole document because of one part, and does not say in which line",
    "what OpenAPI asks for at this place",
)
CRASHED = LOSSES.breaks(
    "generator-crash",
    "the generator ends with a Python exception that does not say where",
    "the part that the exception is about in a plainer way, and run the linter again",
)
OTHER = LOSSES.breaks(
    "generator-warning",
    "the generator leaves something out for a reason that no other rule knows",
    "the part in a plainer way",
)

ROOMS = (LOSSES, STOCK)
NAMED = re.compile(r"/components/(schemas|parameters)/(.+?):?$", re.MULTILINE)


@define
class StockWarning:
    """A warning about a named schema or parameter."""

    error: ParseError
    rule: Rule
    path: Pointer
    own: str
    """The schema that it is about."""
    lost: list[str]
    """All schemas that are left out because of it."""
    compensated: bool = False
    """Whether our own generator does not lose it."""

    @property
    def what(self) -> str:
        return f"class {self.own}" if self.own else told(self.path)


def _said(error: ParseError) -> str:
    lines = [*(error.detail or "").strip().splitlines(), *error.header.strip().splitlines(), ""]
    text = lines[0].removeprefix("Problem creating a Property: :").strip().rstrip(".:") or error.header.strip()
    return f"{text}: {error.data.ref.get_untrusted_value()}" if isinstance(error.data, Reference) else text


@LOSSES.check
def refusals(context: LintContext) -> Iterator[Finding]:
    for path, why in context.stock.refusals:
        yield REFUSED.found(context, path, f"no code at all is made, because of {told(path) or 'the document'}: {why}")
    if context.stock.crash:
        yield CRASHED.found(context, (), f"no code at all is made: {context.stock.crash}")


@LOSSES.check
def schemas(context: LintContext) -> Iterator[Finding]:
    mentioned: set[str] = set()
    warnings, blamed = _warnings(context)
    for one in warnings:
        what = f"{one.what} is left out ({_said(one.error)})"
        yield one.rule.found(context, one.path, what, compensated=one.compensated)
        for name in one.lost:
            if name != one.own and name not in mentioned:
                path, what = ("components", "schemas", name), f"class {name} is left out together with {one.what}"
                yield WITH_ANOTHER.found(context, path, what, compensated=name not in blamed)
        mentioned.update(one.lost)
    for name in context.stock.lost:
        if name not in mentioned:
            what = f"class {name} is left out without a word, with another of that name"
            yield WITH_ANOTHER.found(context, ("components", "schemas", name), what, compensated=not blamed)


def _warnings(context: LintContext) -> tuple[list[StockWarning], set[str]]:
    """The warnings, and the schemas that are lost to our own generator, too."""
    warnings = [_warning(context, error) for error in context.stock.errors]
    lost = set(context.stock.lost)
    blamed: set[str] = set()
    while True:
        before = len(blamed)
        for one in warnings:
            # What a schema refers to may be lost to the stock generator alone.
            used = _referred(one.error)
            one.compensated = _is_ours_to_name(one) or (used in lost and used not in blamed)
            if not one.compensated:
                blamed.update([one.own, *one.lost])
        if len(blamed) == before:
            return warnings, blamed


def _is_ours_to_name(one: StockWarning) -> bool:
    # A name inside another schema is ours to choose; that of a component is not.
    return one.rule is CLASS_NAME_TAKEN and len(one.path) > 3


def _referred(error: ParseError) -> str:
    return error.data.ref.get_untrusted_value().rpartition("/")[2] if isinstance(error.data, Reference) else ""


def _warning(context: LintContext, error: ParseError) -> StockWarning:
    stock, rule = context.stock, _rule(f"{error.header} {error.detail or ''}")
    header = NAMED.search(error.header.strip())
    names = [name for kind, name in NAMED.findall(f"{error.header}\n{error.detail or ''}") if kind == "schemas"]
    lost = [name for name in dict.fromkeys(names) if name in stock.lost]
    place = stock.place(error.data)
    if header is not None and header[1] == "parameters":
        return StockWarning(error, rule, place or ("components", "parameters", header[2]), "", lost)
    inside = [name for name in lost if place[:3] == ("components", "schemas", name)]
    own = header[2] if header is not None else (inside or lost or [""])[0]
    owner: Pointer = ("components", "schemas", own) if own else ("components",)
    return StockWarning(error, rule, place or _culprit(context, rule, owner), own, lost)


def _culprit(context: LintContext, rule: Rule, owner: Pointer) -> Pointer:
    """The part of a component that a warning is about, where the generator names the component alone."""
    for schema in context.schemas:
        if schema.path[: len(owner)] != owner:
            continue
        if rule is DEFAULT_INVALID and schema.body.get("default") is not None and not _default_fits(schema.body):
            return (*schema.path, "default")
        if rule is PROPERTY_NAMES_COLLIDE:
            names = Counter(
                str(PythonIdentifier(name, PREFIX, skip_snake_case=True))
                for name in mapping(schema.body.get("properties"))
            )
            if any(number > 1 for number in names.values()):
                return schema.path
    return owner


@LOSSES.check
def operations(context: LintContext) -> Iterator[Finding]:
    blamed = _warnings(context)[1]
    for path, error in context.stock.left_out:
        # One error may hold the reasons of several bodies, a line each.
        for text in filter(str.strip, (error.detail or error.header).splitlines()):
            where = context.stock.place(error.data, path)
            where = where if where[:2] == path[:2] else path
            rule, what = _rule(text), f"{told(path)} is left out ({text.strip()})"
            yield rule.found(context, where, what, compensated=_only_stock_loses(context, rule, where, blamed))
    for path, error in context.stock.responses_left_out:
        why = (error.detail or "").partition(" (")[2].rpartition(")")[0] or (error.detail or "").partition(",")[0]
        rule, is_error = _rule(why), not str(path[-1]).startswith("2")
        compensated = is_error or _only_stock_loses(context, rule, path, blamed)
        yield rule.found(context, path, f"{told(path)} is left out ({why})", compensated=compensated)
    for path, error in context.stock.bodies_left_out:
        rule, where = _rule(error.detail or ""), context.stock.place(error.data, (*path, "requestBody"))
        what = f"a body of {told(path)} is left out ({error.detail})"
        yield rule.found(context, where, what, compensated=_only_stock_loses(context, rule, where, blamed))


def _only_stock_loses(context: LintContext, rule: Rule, path: Pointer, blamed: set[str]) -> bool:
    """Whether something is left out only because of a schema that our own generator does not lose."""
    if rule not in (NOT_FOUND, UNION_BRANCH):
        return False
    used: set[str] = set()
    seen: set[str] = set()
    stack = [context.document.at(path)]
    while stack:
        node = stack.pop()
        if isinstance(reference := mapping(node).get("$ref"), str):
            name = reference.rpartition("/")[2]
            if name in context.components:
                used.add(name)
            elif reference not in seen:
                stack.append(context.document.resolve(node))
            seen.add(reference)
        stack += [*mapping(node).values(), *sequence(node)]
    lost = used & set(context.stock.lost)
    return bool(lost) and not lost & blamed


def _rule(said: str) -> Rule:
    """The rule for a warning of the generator."""
    rules = (rule for room in ROOMS for rule in room.rules.values())
    return next((rule for rule in rules if rule.says and re.search(rule.says, said)), OTHER)


def _default_fits(body: Mapping[str, Any]) -> bool:
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
