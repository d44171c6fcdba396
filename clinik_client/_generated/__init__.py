# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Models and endpoint modules of the ClinikAPI, as its OpenAPI document describes them."""
