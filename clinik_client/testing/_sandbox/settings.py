"""What a sandbox can be told to do in one way or another, where the documentation leaves it open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

from attrs import define, evolve, field, fields_dict, setters

from .._answers import ErrorForm
from .._choices import require_known
from .._routes import OPERATIONS
from .checks import check_choice, check_seconds, check_truth
from .limits import Plan
from .store import Shape

__all__ = ["SandboxSettings", "SandboxSettingsFields", "settings_of"]

IncludedAs = Literal["record", "bundle"]


def _own(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value  # so that nobody changes it unchecked


def _check_media_types(_: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(
        isinstance(types, list | tuple) and all(isinstance(text, str) for text in types) for types in value.values()
    ):
        raise ValueError("media_types are lists of texts, by operation")
    if wrong := [name for name in value if name not in OPERATIONS]:
        raise ValueError(f"media_types: no operation is called {wrong[0]!r}; there are {', '.join(OPERATIONS)}")


def _check_plan(_: Any, attribute: Any, value: Any) -> None:
    if not isinstance(value, Plan):
        raise ValueError("plan is a Plan")


@define(on_setattr=[setters.convert, setters.validate], kw_only=True)
class SandboxSettings:
    """How a sandbox answers. May be changed while it runs.

    Args:
        shape: in which shape records are shown: ``simple``, ``fhir``, or ``mixed``, where the id decides.
        include: how a read with ``include`` is answered: with the ``record``, or with a ``bundle`` out of the index.
        lag: after how many seconds searches see a write; ``math.inf`` for never.
        total: whether pages tell how many records there are in all.
        phantom: whether each page ends with an OperationOutcome, which is no encounter.
        errors: in which form errors are told: the ``api``'s own, or ``fhir``'s OperationOutcome.
        merge_hospitalization: whether a change of ``hospitalization`` keeps what it does not name.
        media_types: by operation, those that are accepted in place of all that the document lists. Any other is 415.
        job_seconds: how long an export or an import takes; ``math.inf`` for ever.
        plan: how much an organization may ask.

    Raises:
        ValueError: a setting cannot have this value.
    """

    shape: Shape = field(default="simple", validator=check_choice(get_args(Shape)))
    include: IncludedAs = field(default="record", validator=check_choice(get_args(IncludedAs)))
    lag: float = field(default=10.0, validator=check_seconds)
    total: bool = field(default=True, validator=check_truth)
    phantom: bool = field(default=False, validator=check_truth)
    errors: ErrorForm = field(default="api", validator=check_choice(get_args(ErrorForm)))
    merge_hospitalization: bool = field(default=False, validator=check_truth)
    media_types: Mapping[str, Sequence[str]] = field(factory=dict, converter=_own, validator=_check_media_types)
    job_seconds: float = field(default=4.0, validator=check_seconds)
    plan: Plan = field(factory=Plan, validator=_check_plan)

    def accepted(self, operation: str) -> tuple[str, ...]:
        """The media types that the body of an operation may have."""
        return tuple(self.media_types.get(operation, OPERATIONS[operation].media_types))

    def change(self, **changes: Any) -> None:
        """Change some of them.

        Args:
            changes: new values, by the names of the settings.

        Raises:
            ValueError: there is no such setting, or it cannot have this value. Then nothing is changed.
        """
        for name in changes:
            require_known("setting", name, fields_dict(type(self)))
        tried = evolve(self, **changes)
        for name in changes:
            setattr(self, name, getattr(tried, name))


class SandboxSettingsFields(TypedDict, total=False):
    """The settings of a sandbox as keywords: see `SandboxSettings`."""

    shape: Shape
    include: IncludedAs
    lag: float
    total: bool
    phantom: bool
    errors: ErrorForm
    merge_hospitalization: bool
    media_types: Mapping[str, Sequence[str]]
    job_seconds: float
    plan: Plan


def settings_of(settings: SandboxSettings | None, fields: Mapping[str, Any]) -> SandboxSettings:
    """New settings: as some others are, which nobody changes; or the usual ones, but for a few fields.

    Raises:
        ValueError: both are given, or these are no settings; see also `SandboxSettings.change`.
    """
    if settings is None:
        made = SandboxSettings()
        made.change(**fields)
        return made
    if fields:
        raise ValueError(f"settings and {next(iter(fields))} are not given together: each setting may be a keyword")
    if not isinstance(settings, SandboxSettings):
        raise ValueError("settings is a SandboxSettings; each setting may be a keyword in its place, such as lag=0")
    return evolve(settings)
