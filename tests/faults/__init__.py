"""Every fault of the catalogue, met by every operation, over plain TCP and TLS: ``python -m tests.faults``."""
