"""The demo office: the one seed for the demo, the tests and the benchmarks.

A logistics office of a university that does not exist, with invented people. Everything is written through the verbs by the
persons themselves at the hour they would have done it, so history, separation of duties and the audit chain are real.
"""

from .complaints import CODES
from .loader import load, settle
from .people import PASSWORD, PEOPLE, logins

__all__ = ["CODES", "PASSWORD", "PEOPLE", "load", "logins", "settle"]
