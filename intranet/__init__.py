"""The application: declarations say what a ledger is, one policy says who may, verbs do it in one transaction."""

__version__ = "0.1.0"
