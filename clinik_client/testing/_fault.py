"""What goes wrong on purpose, and when, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import Attribute, Factory, field, fields, frozen

from ._choices import require_known
from ._error_response import FORMS
from ._routes import check_operation

__all__ = ["KINDS", "Fault"]

_WHEN: Final = ("operation", "nth", "times", "probability", "random_seed", "after_apply")
_ERROR: Final = ("status", "form", "code", "retry_after")
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "reset": (),
    "close": (),
    "hang": (),
    "drip": ("seconds", *_ERROR),
    "cut": ("at", "end", *_ERROR),
    "garbage": (),
    "status": _ERROR,
    "bomb": ("size", *_ERROR),
    "latency": ("seconds",),
}
"""What can go wrong, and what else is to be said about it besides when."""

_ENDS: Final = ("close", "reset")
_DAY: Final = 86_400.0
_GIBIBYTE: Final = 1024**3


def _problem(attribute: Attribute[Any], value: Any, right: str) -> ValueError:
    return ValueError(f"a fault's {attribute.name} is {right}, not {value!r}")


def _whole(least: int, most: int | None = None, none: str = "") -> Any:
    """A validator of whole numbers; ``none`` says what ``None`` means, if it is allowed."""

    def check(_: Fault, attribute: Attribute[Any], value: Any) -> None:
        if value is None and none:
            return
        if type(value) is not int or value < least or (most is not None and value > most):
            limits = f"a whole number from {least}" + ("" if most is None else f" to {most}")
            raise _problem(attribute, value, limits + (f", or None for {none}" if none else ""))

    return check


def _check_probability(_: Fault, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and (type(value) not in (int, float) or not 0 < value <= 1):
        raise _problem(attribute, value, "a number above 0 and up to 1, or None for always")


def _check_truth(_: Fault, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        raise _problem(attribute, value, "True or False")


def _check_code(_: Fault, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value):
        raise _problem(attribute, value, "a text, or None for the usual one")


def _check_seconds(_: Fault, attribute: Attribute[Any], value: Any) -> None:
    ends = value if isinstance(value, tuple) else (value, value)
    if len(ends) != 2 or any(type(end) not in (int, float) for end in ends) or not 0 <= ends[0] <= ends[1] <= _DAY:
        raise _problem(attribute, value, "a number from 0 to a day, or a range of two, the smaller one first")


def _as_range(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value  # JSON has no tuples


@frozen
class Fault:
    """Something that goes wrong with a request, or with several.

    Args:
        kind: what happens.

            * ``reset``, ``close``: the connection ends, with a TCP reset or without, and there is no response.
            * ``hang``: nothing comes any more.
            * ``garbage``: what comes is no HTTP.
            * ``status``: an error comes in place of the response.
            * ``latency``: the right response comes, but late.
            * ``drip``: the response comes byte by byte.
            * ``cut``: the response ends too early.
            * ``bomb``: the response is a small body that decompresses to a very large one.
        operation: of which operation; ``None`` for any request.
        nth: the first request that meets it, counted from when it was added. All attempts count, when they arrive.
        times: how many requests meet it; ``None`` for no end. The usual is 1, and no end with a probability.
        probability: how likely each of them is to meet it; ``None`` for always.
        random_seed: decides what is left to chance. The same seed gives the same course.
        after_apply: whether the request is carried out before things go wrong. If it is not, nothing is applied, and
            what drips, is cut or is a bomb is an error, unless the request changes nothing anyway.
        status: of an error.
        form: of an error: ``api``, ``fhir`` (an OperationOutcome) or ``html`` (a gateway's page).
        code: of an error; ``None`` for the usual one of its status.
        retry_after: seconds for the ``Retry-After`` header of an error; ``None`` for no header.
        at: how many bytes, with the head, come before the cut; ``None`` for the head and half of the body.
        end: how the connection ends at the cut: ``close`` or ``reset``.
        seconds: how late the response is, or how long each byte of it takes; two numbers are a range to draw from.
        size: how many bytes a bomb decompresses to.

    Raises:
        ValueError: there is no such kind, operation or form, a value makes no sense, or the kind does not have it.

    >>> Fault("status", operation="create", status=503, times=2).status
    503
    >>> Fault("rest")
    Traceback (most recent call last):
    ...
    ValueError: there is no kind of fault 'rest'; did you mean 'reset'? There are reset, close, hang, drip, cut, \
garbage, status, bomb, latency.
    """

    kind: str = field()
    operation: str | None = field(default=None, kw_only=True)
    nth: int = field(default=1, kw_only=True, validator=_whole(1))
    probability: float | None = field(default=None, kw_only=True, validator=_check_probability)
    times: int | None = field(
        default=Factory(lambda fault: 1 if fault.probability is None else None, takes_self=True),
        kw_only=True,
        validator=_whole(1, none="no end"),
    )
    random_seed: int = field(default=0, kw_only=True, validator=_whole(0))
    after_apply: bool = field(default=False, kw_only=True, validator=_check_truth)
    status: int = field(default=500, kw_only=True, validator=_whole(200, 599))
    form: str = field(default="api", kw_only=True)
    code: str | None = field(default=None, kw_only=True, validator=_check_code)
    retry_after: int | None = field(default=None, kw_only=True, validator=_whole(0, none="no header"))
    at: int | None = field(default=None, kw_only=True, validator=_whole(0, none="the middle of the body"))
    end: str = field(default="close", kw_only=True)
    seconds: float | tuple[float, float] = field(
        default=0.05, kw_only=True, validator=_check_seconds, converter=_as_range
    )
    size: int = field(default=128 * 1024 * 1024, kw_only=True, validator=_whole(1, _GIBIBYTE))

    @kind.validator
    def _check_kind(self, _: Attribute[Any], value: Any) -> None:
        require_known("kind of fault", value, KINDS)

    @operation.validator
    def _check_operation(self, _: Attribute[Any], value: Any) -> None:
        check_operation(value)

    @form.validator
    def _check_form(self, _: Attribute[Any], value: Any) -> None:
        require_known("form of an error", value, FORMS)

    @end.validator
    def _check_end(self, _: Attribute[Any], value: Any) -> None:
        require_known("end of a connection", value, _ENDS)

    def __attrs_post_init__(self) -> None:
        for attribute in fields(Fault):
            name, known = attribute.name, self._names()
            if name not in known and getattr(self, name) != attribute.default:
                raise ValueError(f"a fault of the kind {self.kind!r} has no {name}. It has {', '.join(known[1:])}.")
        if self.form == "html" and self.code is not None:
            raise ValueError("a gateway's page has no code; give it an error of the form 'api' or 'fhir'")

    def _names(self) -> tuple[str, ...]:
        return ("kind", *_WHEN, *KINDS[self.kind])

    def to_dict(self) -> dict[str, Any]:
        """What can be said about its kind, as JSON has it.

        >>> Fault("reset", nth=3).to_dict()["nth"]
        3
        """
        told = {name: getattr(self, name) for name in self._names()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Fault:
        """The fault that `to_dict` tells of. What it does not tell is as usual.

        Raises:
            ValueError: as for the class; or there is no such argument, or no kind.

        >>> Fault.from_dict({"kind": "hang", "oparation": "read"})
        Traceback (most recent call last):
        ...
        ValueError: there is no argument of a fault 'oparation'; did you mean 'operation'? There are kind, operation, \
nth, times, probability, random_seed, after_apply.
        """
        if not isinstance(told, Mapping):
            raise ValueError(f"a fault is an object with a kind, not {type(told).__name__}")
        if "kind" not in told:
            raise ValueError(f"a fault needs a kind. There are {', '.join(KINDS)}.")
        kind = told["kind"]
        require_known("kind of fault", kind, KINDS)
        for name in told:
            require_known("argument of a fault", name, ("kind", *_WHEN, *KINDS[kind]))
        return cls(**told)
