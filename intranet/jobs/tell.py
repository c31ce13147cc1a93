"""Messages in the house, told by the worker; verbs tell in their own transaction (`verbs.telling`)."""

from ..verbs.telling import recipients, tell

__all__ = ["recipients", "tell"]
