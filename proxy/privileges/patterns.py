"""Patterns (signatures first)."""

from proxy.errors import StartgateError


class Undecidable(StartgateError):
    """A question about privileges that cannot be decided exactly here; the caller must deny. The text says why."""
