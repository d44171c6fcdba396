"""Sentences of the API's documentation, each held against a service over HTTP: our sandbox, or the real one."""
