"""Settings of the two authorities: those of every node, with their own folder and port."""

from __future__ import annotations

import platformdirs
from pydantic import Field

from byway.settings import Addresses, Folder, NodeSettings


class AddressingSettings(NodeSettings):
    """What the operator of an addressing authority may choose."""

    data: Folder = Field(
        default_factory=lambda: platformdirs.user_data_path("byway-addressing"),
        description="The folder of the key and the journal. A relative path starts at the folder of this file.",
    )
    listen: Addresses = Field(("127.0.0.1:7401",), min_length=1, description="The addresses to listen on, host:port.")


class MessagingSettings(NodeSettings):
    """What the operator of a messaging authority may choose."""

    data: Folder = Field(
        default_factory=lambda: platformdirs.user_data_path("byway-messaging"),
        description="The folder of the key and the journal. A relative path starts at the folder of this file.",
    )
    listen: Addresses = Field(("127.0.0.1:7402",), min_length=1, description="The addresses to listen on, host:port.")
