"""The mailbox: a key asks an authority to keep what is sent to it (wire-protocol section 4.3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from byway.protocol.body import Body, NodeUrn
from byway.protocol.limits import MAX_MAILBOX_BYTES, MAX_OFFERS
from byway.protocol.statement import Kind


class Mailbox(Body):
    """Where `urn:byway:mailbox:<signer>` is to be kept, and how many messages and bytes it takes."""

    kind = Kind.MAILBOX

    at: NodeUrn
    messages: Annotated[int, Field(ge=1, le=MAX_OFFERS)]
    bytes: Annotated[int, Field(ge=1, le=MAX_MAILBOX_BYTES)]
