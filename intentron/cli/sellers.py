"""Who a seller is: the petname that its URN has here, if it has one, and the URN itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from byway.protocol.urn import parse_urn, to_base32
from intentron.cli.options import Place

_FIRST: Final = 8  # characters of a key; with the last ones too many to be met by trying keys
_LAST: Final = 4


@dataclass(frozen=True, slots=True)
class Sellers:
    """The petnames of sellers, by their URNs."""

    petnames: Mapping[str, str]

    @classmethod
    def of(cls, place: Place) -> Sellers:
        """Those in the settings of the intentron in this place.  Raises `SetupError`, as `load_settings` does."""
        from intentron.settings import load_settings

        return cls({urn: petname for petname, urn in load_settings(place.folder).petnames.items()})

    def short(self, urn: str) -> str:
        """`ruth (n32mfeac...3sxq)`, or `n32mfeac...3sxq` alone."""
        key = to_base32(parse_urn(urn, "node").key)
        return self._named(urn, f"{key[:_FIRST]}...{key[-_LAST:]}")

    def full(self, urn: str) -> str:
        """`ruth (urn:byway:node:n32mfe...)`, or the URN alone."""
        return self._named(urn, urn)

    def _named(self, urn: str, text: str) -> str:
        petname = self.petnames.get(urn)
        return f"{petname} ({text})" if petname else text
