"""The recorder: what a program and a service say to each other, written down without telling of anybody."""
