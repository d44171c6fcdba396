# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""The operations of one resource: a module for each builds its requests."""

from . import create_encounter as create_encounter
from . import delete_encounter as delete_encounter
from . import read_encounter as read_encounter
from . import search_encounters as search_encounters
from . import update_encounter as update_encounter
