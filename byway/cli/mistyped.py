"""What somebody is told who typed a command that does not exist, or left out or misspelt one of its flags."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from byway.cli.report import tell
from byway.errors import SetupError

if TYPE_CHECKING:
    from cyclopts import CycloptsError, UnknownCommandError
    from rich.segment import Segments


def mistyped(program: str, error: CycloptsError) -> Segments:
    """Tell it in the form of every refusal, in lines that nobody folds; nothing is left to print then."""
    from rich.segment import Segments

    command = " ".join((program, *(error.command_chain or ())))
    tell(SetupError(_sentence(error), code="bad-request", next_step=f"{command} --help"))
    return Segments(())


def _sentence(error: CycloptsError) -> str:
    from cyclopts import UnknownCommandError, UnusedCliTokensError

    match error:
        case UnknownCommandError():
            return _no_such_command(error)
        case UnusedCliTokensError():
            return f"{_quoted(error.unused_tokens or ())} is more than this command takes"
    return " ".join(str(error).split()).rstrip(".")


def _no_such_command(error: UnknownCommandError) -> str:
    """All commands that there are, where the one that was typed is none."""
    word = (error.unused_tokens or [""])[0]
    known = [name for name in error.app or () if not name.startswith("-")]
    if word.startswith("-"):
        return f"{_quoted([word])} stands behind one of its commands: {', '.join(known)}"
    near = difflib.get_close_matches(word, known, n=1)
    hint = f'. Did you mean "{near[0]}"?' if near else "."
    return f"there is no command {_quoted([word])}{hint} There are {', '.join(known)}"


def _quoted(words: Iterable[str]) -> str:
    return " ".join(f'"{word}"' for word in words)
