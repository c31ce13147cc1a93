"""The tables: one noun a file. No rules here; what may happen stands in policy and verbs."""

from .backup import BackupRun
from .item import Comment, Counter, Grant, Item, ItemValue, Link, Revision, Tracking
from .log import Audit, ChainHead, Lease, Message, Outbox
from .office import Place, Repository, RepositoryUnit, Term
from .person import Attempt, Person, Role
from .saved import SavedSearch
from .unit import Unit
from .vault import Blob, BlobHeader, BlobText, Loan, StoreInForce

__all__ = [
    "Attempt", "Audit", "BackupRun", "Blob", "BlobHeader", "BlobText", "ChainHead", "Comment", "Counter", "Grant", "Item", "ItemValue",
    "Lease", "Link", "Loan", "Message", "Outbox", "Person", "Place", "Repository", "RepositoryUnit", "Revision", "Role",
    "SavedSearch", "StoreInForce", "Term", "Tracking", "Unit",
]  # fmt: skip
