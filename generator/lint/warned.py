"""Losses that the generator itself warns of, on a screenful of other text and with exit code 0."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from attrs import define, field
from openapi_python_client.parser.errors import ParseError
from openapi_python_client.schema import Reference

from ..document import Path_
from .naming import default_fits, raw_name
from .reasons import CRASHED, REFUSED, WITH_ANOTHER, reason
from .rules import LOSSES, Finding, Rule, check
from .source import mapping, sequence
from .subject import Subject, told

NAMED = re.compile(r"/components/(schemas|parameters)/(.+?):?$", re.MULTILINE)


@define
class Warning_:
    """A warning about a named schema or parameter."""

    error: ParseError
    rule: Rule
    path: Path_
    own: str
    """The schema that it is about."""
    lost: list[str]
    """All schemas that are left out because of it."""
    compensated: bool = field(default=False)

    @property
    def what(self) -> str:
        return f"class {self.own}" if self.own else told(self.path)


def _said(error: ParseError) -> str:
    lines = [*(error.detail or "").strip().splitlines(), *error.header.strip().splitlines(), ""]
    text = lines[0].removeprefix("Problem creating a Property: :").strip().rstrip(".:") or error.header.strip()
    return f"{text}: {error.data.ref.get_untrusted_value()}" if isinstance(error.data, Reference) else text


@check
def refusals(subject: Subject) -> Iterator[Finding]:
    for path, why in subject.outcome.refusals:
        yield subject.found(REFUSED, path, f"no code at all is made, because of {told(path) or 'the document'}: {why}")
    if subject.outcome.crash:
        yield subject.found(CRASHED, (), f"no code at all is made: {subject.outcome.crash}")


@check
def schemas(subject: Subject) -> Iterator[Finding]:
    mentioned: set[str] = set()
    warnings, blamed = _warnings(subject)
    for one in warnings:
        what = f"{one.what} is left out ({_said(one.error)})"
        yield subject.found(one.rule, one.path, what, compensated=one.compensated)
        for name in one.lost:
            if name != one.own and name not in mentioned:
                path, what = ("components", "schemas", name), f"class {name} is left out together with {one.what}"
                yield subject.found(WITH_ANOTHER, path, what, compensated=name not in blamed)
        mentioned.update(one.lost)
    for name in subject.outcome.lost:
        if name not in mentioned:
            what = f"class {name} is left out without a word, with another of that name"
            yield subject.found(WITH_ANOTHER, ("components", "schemas", name), what, compensated=not blamed)


def _warnings(subject: Subject) -> tuple[list[Warning_], set[str]]:
    """The warnings, and the schemas that are lost to our own generator, too."""
    warnings = [_warning(subject, error) for error in subject.outcome.errors]
    lost = set(subject.outcome.lost)
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


def _is_ours_to_name(one: Warning_) -> bool:
    # A name inside another schema is ours to choose; that of a component is not.
    return one.rule.id == "class-name-taken" and len(one.path) > 3


def _referred(error: ParseError) -> str:
    return error.data.ref.get_untrusted_value().rpartition("/")[2] if isinstance(error.data, Reference) else ""


def _warning(subject: Subject, error: ParseError) -> Warning_:
    outcome, rule = subject.outcome, reason(error)
    header = NAMED.search(error.header.strip())
    names = [name for kind, name in NAMED.findall(f"{error.header}\n{error.detail or ''}") if kind == "schemas"]
    lost = [name for name in dict.fromkeys(names) if name in outcome.lost]
    place = outcome.place(error.data)
    if header is not None and header[1] == "parameters":
        return Warning_(error, rule, place or ("components", "parameters", header[2]), "", lost)
    inside = [name for name in lost if place[:3] == ("components", "schemas", name)]
    own = header[2] if header is not None else (inside or lost or [""])[0]
    owner: Path_ = ("components", "schemas", own) if own else ("components",)
    return Warning_(error, rule, place or _culprit(subject, rule, owner), own, lost)


def _culprit(subject: Subject, rule: Rule, owner: Path_) -> Path_:
    """The part of a component that a warning is about, where the generator names the component alone."""
    for schema in subject.schemas:
        if schema.path[: len(owner)] != owner:
            continue
        if rule.id == "default-invalid" and schema.body.get("default") is not None and not default_fits(schema.body):
            return (*schema.path, "default")
        if rule.id == "property-names-collide":
            names = Counter(raw_name(name) for name in mapping(schema.body.get("properties")))
            if any(number > 1 for number in names.values()):
                return schema.path
    return owner


@check
def references(subject: Subject) -> Iterator[Finding]:
    """The references that lead nowhere: of those in one class, the generator tells the first."""
    told_already = {subject.outcome.place(error.data) for error in subject.outcome.errors}
    rule = LOSSES["reference-not-found"]
    for schema in subject.schemas:
        reference = schema.body.get("$ref")
        if "$ref" in schema.body and subject.source.target(reference) is None and schema.path not in told_already:
            yield subject.found(rule, (*schema.path, "$ref"), f"{schema.name} ({reference}: there is nothing)")


@check
def operations(subject: Subject) -> Iterator[Finding]:
    blamed = _warnings(subject)[1]
    for path, error in subject.outcome.left_out:
        # One error may hold the reasons of several bodies, a line each.
        for text in filter(str.strip, (error.detail or error.header).splitlines()):
            where = subject.outcome.place(error.data, path)
            where = where if where[:2] == path[:2] else path
            rule, what = _reason(text), f"{told(path)} is left out ({text.strip()})"
            yield subject.found(rule, where, what, compensated=_only_stock_loses(subject, rule, where, blamed))
    for path, error in subject.outcome.responses_left_out:
        why = (error.detail or "").partition(" (")[2].rpartition(")")[0] or (error.detail or "").partition(",")[0]
        rule, is_error = _reason(why), not str(path[-1]).startswith("2")
        compensated = is_error or _only_stock_loses(subject, rule, path, blamed)
        yield subject.found(rule, path, f"{told(path)} is left out ({why})", compensated=compensated)
    for path, error in subject.outcome.bodies_left_out:
        rule, where = _reason(error.detail or ""), subject.outcome.place(error.data, (*path, "requestBody"))
        what = f"a body of {told(path)} is left out ({error.detail})"
        yield subject.found(rule, where, what, compensated=_only_stock_loses(subject, rule, where, blamed))


def _only_stock_loses(subject: Subject, rule: Rule, path: Path_, blamed: set[str]) -> bool:
    """Whether something is left out only because of a schema that our own generator does not lose."""
    if rule.id != "reference-not-found":
        return False
    used: set[str] = set()
    seen: set[str] = set()
    stack = [subject.source.at(path)]
    while stack:
        node = stack.pop()
        if isinstance(reference := mapping(node).get("$ref"), str):
            name = reference.rpartition("/")[2]
            if name in subject.components:
                used.add(name)
            elif reference not in seen:
                stack.append(subject.source.resolve(node))
            seen.add(reference)
        stack += [*mapping(node).values(), *sequence(node)]
    lost = used & set(subject.outcome.lost)
    return bool(lost) and not lost & blamed


def _reason(text: str) -> Rule:
    return reason(ParseError(header="", detail=text))
