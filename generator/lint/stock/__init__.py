"""Rules for what only the stock openapi-python-client loses: our own generator makes up for it, or refuses it."""

from . import annotations, bodies, keywords, names, operations, parameters, responses, schemas

__all__ = ["annotations", "responses", "bodies", "keywords", "names", "operations", "parameters", "schemas"]
