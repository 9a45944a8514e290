"""What somebody is told who typed a command that does not exist, or left out or misspelt one of its flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from byway.cli.report import tell
from byway.errors import SetupError

if TYPE_CHECKING:
    from cyclopts import CycloptsError
    from rich.segment import Segments


def mistyped(program: str, error: CycloptsError) -> Segments:
    """Tell it in the form of every refusal, in lines that nobody folds; nothing is left to print then."""
    from rich.segment import Segments

    command = " ".join((program, *(error.command_chain or ())))
    sentence = " ".join(str(error).split()).rstrip(".")
    tell(SetupError(sentence, code="bad-request", next_step=f"{command} --help"))
    return Segments(())
