# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Contains methods for accessing the API"""
