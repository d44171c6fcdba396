"""What ``help()``, completion and ``inspect.signature`` show, made from what is written elsewhere."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from types import FrameType, FunctionType, MappingProxyType
from typing import Any, Final, TypeVar, get_args, get_overloads

C = TypeVar("C", bound=Callable[..., Any])


class _NotRequired:
    """The default of a field that may be left out. It is shown as in a stub."""

    def __repr__(self) -> str:
        return "..."


_NOT_REQUIRED: Final = _NotRequired()


class _Field(inspect.Parameter):
    """A parameter that is a field of a request or a filter of a search."""


class _FieldsSignature(inspect.Signature):
    """The signature of a method that takes fields as keywords, or all of them at once as ``given``.

    The fields stand in an overload of the method, ``**fields: Unpack[...Fields]``. They are looked up when somebody
    asks: that loads their models.
    """

    __slots__ = ("_method",)

    def __init__(
        self,
        parameters: Sequence[inspect.Parameter] | None = None,
        *,
        return_annotation: Any = inspect.Signature.empty,
        method: FunctionType | None = None,
    ) -> None:
        super().__init__(parameters, return_annotation=return_annotation)
        self._method = method

    @property
    def parameters(self) -> MappingProxyType[str, inspect.Parameter]:
        if self._method is not None and (fields := _fields_of(self._method)):
            own = [one for one in super().parameters.values() if one.kind is not one.VAR_KEYWORD]
            super().__init__([*own, *fields], return_annotation=self.return_annotation)
        self._method = None
        return super().parameters

    def bind(self, /, *args: Any, **kwargs: Any) -> inspect.BoundArguments:
        """Bind as a call does: beside ``given`` there are no fields, so none is required. Mocks depend on it."""
        if "given" not in self.bind_partial(*args).arguments:
            return super().bind(*args, **kwargs)
        others = [parameter for parameter in self.parameters.values() if not isinstance(parameter, _Field)]
        return inspect.Signature(others, return_annotation=self.return_annotation).bind(*args, **kwargs)


def show_fields(method: FunctionType) -> None:
    """Give a facade's method a signature with the fields that its overload names.

    The method itself takes ``**fields: Any``, which says nothing to who asks at run time.
    """
    written = inspect.signature(method)
    parameters = [one.replace(annotation=_as_read(one.annotation)) for one in written.parameters.values()]
    method.__signature__ = _FieldsSignature(  # type: ignore[attr-defined]  # what inspect looks for
        parameters, return_annotation=_as_read(written.return_annotation), method=method
    )


def _fields_of(method: FunctionType) -> list[inspect.Parameter]:
    """The keywords that a generated TypedDict describes."""
    parameters: list[inspect.Parameter] = []
    for overload in get_overloads(method):
        for parameter in inspect.signature(overload, eval_str=True).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                (fields,) = get_args(parameter.annotation)
                parameters += _parameters(fields)
    return parameters


def _parameters(fields: Any) -> Iterator[inspect.Parameter]:
    for name, reference in fields.__annotations__.items():
        text = reference.__forward_arg__
        annotation = text.removeprefix("Required[").removesuffix("]") if text.startswith("Required[") else text
        default = _NOT_REQUIRED if annotation is text else inspect.Parameter.empty
        yield _Field(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_as_read(annotation))


def with_attributes(model: C) -> C:
    """Decorates a generated model: ``help()`` tells its fields, too.

    The text below each field is what editors show. Python does not keep it, so it is read when somebody asks.
    """
    model.__doc__ = _Doc(model)  # type: ignore[assignment]  # Python asks a descriptor for the text
    return model


class _Doc:
    def __init__(self, model: Callable[..., Any]) -> None:
        self.model, self.summary = model, inspect.cleandoc(model.__doc__ or "")

    def __get__(self, instance: object, owner: type[Any]) -> str:
        from textwrap import fill  # nobody needs it before

        try:
            tree = ast.parse(inspect.getsource(sys.modules[self.model.__module__]))
        except (OSError, TypeError):
            # There is no source, as in a frozen program.
            return self.summary
        name = self.model.__name__
        (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        lines = [self.summary, "", "Attributes:"]
        for node, below in pairwise([*body, ast.Pass()]):
            if isinstance(node, ast.AnnAssign) and not (field := ast.unparse(node.target)).startswith("_"):
                told = ast.literal_eval(below.value) if isinstance(below, ast.Expr) else ""
                text = " ".join([f"{field} ({_as_read(ast.unparse(node.annotation))}):", *told.split()])
                lines.append(fill(text, 76, initial_indent=" " * 4, subsequent_indent=" " * 8))
        return "\n".join(lines)


def _as_read(annotation: Any) -> Any:
    """An annotation without what keeps a type apart from a field of its name, and without the home of a model."""
    return re.sub(r"\b(?:_(?=date\b)|models\.)", "", annotation) if isinstance(annotation, str) else annotation


def names_to_list(names: Iterable[str]) -> list[str]:
    """What ``dir()`` of a module gives: all names, but none to pydoc.

    ``help()`` would print each class in full, which is thousands of lines. The module's docstring says what there is.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_name != "docmodule":
        frame = frame.f_back
    return sorted(names) if frame is None else []
