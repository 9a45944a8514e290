"""What every command takes: whose intentron it is about, and for whom it writes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from byway.errors import SetupError


def _folder(_: type, tokens: Sequence[Token]) -> Path:
    """The folder that was typed.  An empty one is a variable that is not set, and not the folder that one is in."""
    if not tokens[0].value:
        raise SetupError(
            "--home is empty: it names no folder",
            code="bad-request",
            next_step="name one, as --home ~/intentron, or leave it out; see that the variable in it is set",
        )
    return Path(tokens[0].value)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose intentron a command is about.

    Parameters
    ----------
    home:
        The folder of the intentron; without it INTENTRON_HOME, or where this system keeps a program's data.
    """

    home: Annotated[Path | None, Parameter(converter=_folder)] = None

    @property
    def folder(self) -> Path:
        from intentron.settings import home_folder

        return home_folder(self.home)

    def command(self, text: str) -> str:
        """The command `intentron text`, as it has to be typed for this folder."""
        return f"intentron {text}" if self.home is None else f"intentron {text} --home {shlex.quote(str(self.home))}"


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Place):
    """What every command to a running intentron takes.

    Parameters
    ----------
    json:
        Print the whole answer as JSON, for programs.
    """

    json: bool = False

    def printed(self, answer: Any) -> bool:
        """Print `answer` if it is JSON that is wanted; False if it has still to be shown to a person."""
        if self.json:
            print(json.dumps(answer, indent=2, ensure_ascii=False))
        return self.json
