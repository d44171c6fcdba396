"""The sandbox: a ClinikAPI in memory, its time, its limits, and what steers it."""
