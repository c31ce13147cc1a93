"""The tables: one noun a file. No rules here; what may happen stands in policy and verbs."""

from .backup import BackupRun
from .custody import DisposalList, DisposalRow, Hold, Inspection, ShelfCheck
from .item import Comment, Counter, Grant, Item, ItemValue, Link, Revision, Tracking
from .lending import Approval, Copy, Extension, Loan, Reading
from .log import Audit, ChainHead, Lease, Message, Outbox
from .office import Place, Repository, RepositoryUnit, Term
from .person import Attempt, Person, Role
from .saved import SavedSearch
from .slip import Hop, Slip, SlipScope
from .unit import Unit
from .vault import Blob, BlobHeader, BlobText, StoreInForce

__all__ = [
    "Approval", "Attempt", "Audit", "BackupRun", "Blob", "BlobHeader", "BlobText", "ChainHead", "Comment", "Copy", "Counter",
    "DisposalList", "DisposalRow", "Extension", "Grant", "Hold", "Hop", "Inspection", "Item", "ItemValue", "Lease", "Link", "Loan",
    "Message", "Outbox", "Person", "Place", "Reading", "Repository", "RepositoryUnit", "Revision", "Role", "SavedSearch",
    "ShelfCheck", "Slip", "SlipScope", "StoreInForce", "Term", "Tracking", "Unit",
]  # fmt: skip
