"""The ledgers of this product. A new one is one file and one line here."""

from .base import Kind
from .complaint import COMPLAINT
from .document import DOCUMENT
from .folder import FOLDER
from .incident import INCIDENT
from .material import MATERIAL
from .notice import NOTICE
from .registry import Registry
from .resource import RESOURCE
from .workorder import WORKORDER

KINDS: tuple[Kind, ...] = (RESOURCE, NOTICE, DOCUMENT, MATERIAL, FOLDER, INCIDENT, COMPLAINT, WORKORDER)


def registry(extra: tuple[Kind, ...] = ()) -> Registry:
    """All kinds, checked. Raises KindError with every wrong line."""
    return Registry((*KINDS, *extra))
