"""Mutants: the SDK with one thing changed at a time, to see which changes no test notices. ``make mutants``."""
