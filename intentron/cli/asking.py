"""One request to the running intentron, over its socket; what it refuses is raised as it said it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx2

from byway.errors import BywayError, LinkError, SetupError
from intentron.api.listening import is_answered, socket_path
from intentron.cli.options import Place
from intentron.settings import SETTINGS_FILE

WITHIN_S: Final = 120.0  # the import of a large sheet; everything else takes milliseconds

_NOWHERE: Final = "http://intentron"  # HTTP wants a host; the socket is the place
_PROGRAM: Final = "intentron "
_PAGE: Final = "see docs/"  # which programs are sent to
_HEADERS: Final = {"content-type": "application/json"}


def path_of(*parts: str) -> str:
    """The path of these parts, whatever characters are in them."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def ask(
    place: Place,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    usage: str = "",
) -> Any:
    """The answer of the intentron that runs for `place`; `usage` is the command whose help says what may be asked.

    Raises what it refused, as a `BywayError` with its code, sentence and next step; `LinkError` if none runs or it
    stops meanwhile, `SetupError` if there is nothing that could run.
    """
    if not (place.folder / SETTINGS_FILE).exists():
        raise SetupError(
            f"there is no intentron in {place.folder}", code="settings-missing", next_step=place.command("init")
        )
    path_to_socket = socket_path(place.folder)
    if not is_answered(path_to_socket):
        raise LinkError(
            f"the intentron in {place.folder} does not run", code="unreachable", next_step=place.command("run")
        )
    # In ASCII: a sheet may hold what is no Unicode text.
    content = None if body is None else json.dumps({key: value for key, value in body.items() if value is not None})
    transport = httpx2.HTTPTransport(uds=str(path_to_socket), verify=False)  # no TLS here, no certificates to load
    with httpx2.Client(transport=transport, base_url=_NOWHERE, timeout=WITHIN_S) as client:
        try:
            answer = client.request(method, path, content=content, headers=_HEADERS, params=params)
        except httpx2.TransportError as error:
            raise LinkError(
                f"the intentron in {place.folder} did not answer: {str(error) or type(error).__name__}",
                next_step=place.command("status"),
            ) from None
    told = answer.json()
    if answer.is_success:
        return told
    raise BywayError(told["sentence"], code=told["code"], next_step=_to_type(told, place, usage))


def _to_type(told: Mapping[str, str], place: Place, usage: str) -> str:
    """The next step of a refusal, as it has to be typed for this folder, by somebody who never sees the API."""
    if usage and told["next_step"].startswith(_PAGE):
        return f"intentron {usage} --help"
    command = told["next_step"].removeprefix(_PROGRAM)
    if command == told["next_step"] or "--help" in command:
        return told["next_step"]
    return place.command(command)
