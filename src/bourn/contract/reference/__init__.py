"""A correct stream by hand, which passes every rule: the proof that the contract can be kept, and the base of the saboteurs.

House rule: it stands on the dialects and asyncio alone, never on the library's own client.
"""

from bourn.contract.reference.client import ReferenceClient
from bourn.contract.reference.stream import ReferenceStream
from bourn.contract.reference.subject import partial, reference

__all__ = ["ReferenceClient", "ReferenceStream", "partial", "reference"]
