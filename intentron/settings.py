"""What a person may choose about her intentron, and where it lives."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from byway.node_address import NodeAddressSetting
from byway.protocol.body import TermsUrn, validator
from byway.protocol.limits import MAX_OFFERS, MAX_TERMS
from byway.protocol.topic import Topic, TopicPattern
from byway.protocol.urn import node_urn, parse_urn
from byway.settings import NodeAddresses, load_toml

SETTINGS_FILE: Final = "settings.toml"
HOME_VARIABLE: Final = "INTENTRON_HOME"

_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
_TOPIC_PREFIX: Final = "urn:byway:topic:"
_NODE_PREFIX: Final = "urn:byway:node:"


def _label(text: str) -> str:
    if not _LABEL.match(text) or text == "open":
        raise ValueError("a petname is 1 to 32 of a-z, 0-9 and -, and not the word open")
    return text


def _meant(text: str) -> str:
    if text.startswith(_NODE_PREFIX):
        return node_urn(parse_urn(text, "node").key)
    return Topic.parse(text).urn if text.startswith(_TOPIC_PREFIX) else TopicPattern.parse(text).text


Petname = Annotated[str, AfterValidator(_label)]
Petnamed = Annotated[str, AfterValidator(validator(_meant))]


class IntentronSettings(BaseModel):
    """What a person, or a seller, may choose.  Nothing here sends, reveals or pays anything by itself."""

    model_config = ConfigDict(frozen=True)

    authorities: NodeAddresses = Field(
        (),
        description="Addressing authorities, asked in this order who carries a topic: urn:byway:node:KEY@HOST:PORT.",
    )
    router: NodeAddressSetting | None = Field(
        None,
        description="The router for topics under open, which no authority answers for.",
        examples=["urn:byway:node:KEY@router.example:7400"],
    )
    messaging: NodeAddressSetting | None = Field(
        None,
        description="The messaging authority that keeps the mailboxes of casts whose topic names none.",
        examples=["urn:byway:node:KEY@messages.example:7402"],
    )
    terms: tuple[TermsUrn, ...] = Field(
        (), max_length=MAX_TERMS, description="Terms that every cast proffers, as URNs, the preferred ones first."
    )
    max_offers: int = Field(25, ge=1, le=MAX_OFFERS, description="How many offers a cast takes.")
    cast_lifetime_days: int = Field(14, ge=1, le=30, description="How many days a cast lives.")
    petnames: Mapping[Petname, Petnamed] = Field(
        {},
        description="Names of one's own for topics, patterns and sellers. They stay here: what is signed has the full "
        'name. For example: condos = "urn:byway:topic:open:homes:boston:condo"',
    )


def home_folder(explicit: Path | None = None) -> Path:
    """The folder of one intentron: `explicit`, or INTENTRON_HOME, or where this system keeps a program's data."""
    if explicit is not None:
        return explicit.absolute()
    named = os.environ.get(HOME_VARIABLE)
    return Path(named).absolute() if named else platformdirs.user_data_path("intentron")


def load_settings(home: Path) -> IntentronSettings:
    """The settings in the home folder.  Raises `SetupError`, as `load_toml` does."""
    return load_toml(home / SETTINGS_FILE, IntentronSettings, made_by=f"intentron init --home {shlex.quote(str(home))}")
