"""`intentron stock`: what a seller has, out of a spreadsheet."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from cyclopts import App

from byway.errors import SetupError
from intentron.cli.options import Options

DEFAULT = Options()
SHOWN_PROBLEMS: Final = 20  # the first say what is wrong with a sheet

app = App(name="stock", help="What you have to sell, out of a spreadsheet.")


@app.command(name="import")
def import_sheet(
    file: Path,
    /,
    *,
    map: str,  # noqa: A002 - it is the name of the flag
    list: str | None = None,  # noqa: A002 - as above
    only: str | None = None,
    options: Options = DEFAULT,
) -> None:
    """Make a sheet the whole of a stock list.  A row that says something wrong is told with its line, and left out.

    Parameters
    ----------
    file:
        A CSV file in UTF-8.
    map:
        What its columns mean: homes, farm-food, or a file of your own.
    list:
        What to call the list; without it, the name of the map.
    only:
        Take the items of one seller, where the sheet has those of several.
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import counted, fact

    own_map = Path(map)
    name = own_map.stem if list is None else list
    imported = ask(
        options,
        "POST",
        "/stock",
        {
            "list": name,
            "map": str(own_map.absolute()) if own_map.is_file() else map,
            "csv": _read(file).decode("utf-8", "surrogateescape"),
            "source": str(file),
            "only": only,
        },
        usage="stock import",
    )
    if not options.printed(imported):
        if imported["items"]:
            fact("imported", f"{counted(imported['items'], 'item')} into the list {name}")
        for problem in imported["problems"][:SHOWN_PROBLEMS]:
            fact("left out", f"line {problem['line']}: {problem['sentence']}")
        if (more := len(imported["problems"]) - SHOWN_PROBLEMS) > 0:
            fact("", f"and {counted(more, 'more line')}; --json tells all")
        if imported["items"]:
            fact("next", options.command(f"rule add {shlex.quote(name)} --list {shlex.quote(name)}"))
    if not imported["items"]:
        raise SetupError(
            f"nothing in {file} could be imported; no list is changed",
            code="bad-sheet",
            next_step=f"mend what is told above in {shlex.quote(str(file))}, and import it again",
        )


@app.command(name="list")
def list_stock(*, options: Options = DEFAULT) -> None:
    """List your stock lists.

    Parameters
    ----------
    options:
        Whose intentron, and for whom to write.
    """
    from intentron.cli.asking import ask
    from intentron.cli.show import fact, now_ms, relative, table

    lists = ask(options, "GET", "/stock")
    if options.printed(lists):
        return
    if not lists:
        fact("stock", "nothing yet")
        fact("next", options.command("stock import homes.csv --map homes"))
        return
    now = now_ms()
    table(
        ("list", "items", "from", "imported"),
        ((one["name"], f"{one['items']:,}", one["source"], relative(one["imported_at"], now)) for one in lists),
        numbers=("items",),
    )
    fact("next", options.command("rules"))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except IsADirectoryError:
        what, look = f"{file} is a folder, not a CSV file", f"ls {shlex.quote(str(file))}"
    except FileNotFoundError:
        what, look = f"there is no file {file}", f"ls {shlex.quote(str(file.parent))}"
    except OSError as error:
        what, look = f"{file} cannot be read: {error.strerror}", f"ls -l {shlex.quote(str(file))}"
    raise SetupError(what, code="data-unreadable", next_step=look)
