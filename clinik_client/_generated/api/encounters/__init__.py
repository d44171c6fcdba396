# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""The operations of one resource: a module for each builds its requests."""

import typing as _typing
from importlib import import_module as _import_module

if _typing.TYPE_CHECKING:
    from . import create_encounter as create_encounter
    from . import delete_encounter as delete_encounter
    from . import read_encounter as read_encounter
    from . import search_encounters as search_encounters
    from . import update_encounter as update_encounter
else:
    # The same for Python, which loads each module when it is used for the first time.
    __all__ = ("create_encounter", "delete_encounter", "read_encounter", "search_encounters", "update_encounter")

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _import_module(f"{__name__}.{name}")
