"""Four bytes behind a stored blob that tell when a bit of it has changed, or when it turns up in another row.

A CRC, because it guards against disks, not people: it costs a tenth of a hash, and what people could change is signed.
"""

from __future__ import annotations

import zlib
from typing import Final

_CHECK_BYTES: Final = 4
_CRC_MASK: Final = 0xFFFFFFFF


def with_check(data: bytes, key: int) -> bytes:
    """`data` as it is stored in the row with this key."""
    return data + zlib.crc32(data, key & _CRC_MASK).to_bytes(_CHECK_BYTES, "big")


def without_check(stored: object, key: int) -> bytes | None:
    """What `with_check` was given; None if it is not that any more, or no blob at all."""
    if not isinstance(stored, bytes):
        return None
    data = stored[:-_CHECK_BYTES]
    return data if with_check(data, key) == stored else None


def key_of(*fields: object) -> int:
    """A key that also tells when one of these other fields of the row has changed."""
    return zlib.crc32(repr(fields).encode())
