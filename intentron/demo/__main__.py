"""`python -m intentron.demo`: plays the story, and says `demo: ok` only if all of it happened."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from cyclopts import App

from byway.cli.report import run_command

SHIPPED: Final = Path(__file__).parent / "stock"

app = App(name="demo", help="Two markets at work on this computer, as real processes.", result_action="return_value")


@app.default
def demo(*, homes: Path = SHIPPED / "homes.csv", food: Path = SHIPPED / "farm-food.csv") -> None:
    """Play a market day.

    Parameters
    ----------
    homes:
        A CSV file of homes, with the columns of Boston's property assessment.
    food:
        A CSV file of farmers' markets, with the columns of the USDA's directory.
    """
    import signal

    import trio

    from intentron.demo import markets
    from intentron.demo.story import play
    from intentron.demo.telling import Teller

    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # the story ends its processes
    tell = Teller()
    chosen = [markets.homes(homes), markets.food(food)]
    with tempfile.TemporaryDirectory(prefix="byway-demo-") as folder:
        trio.run(play, Path(folder), chosen, tell)
    tell.lines(
        [
            "",
            "next, by hand:",
            "  . .venv/bin/activate",
            "  byway init && byway run                 a router of your own",
            "  intentron init --help                   a person's node, or a seller's",
            "  make demo HOMES=file.csv FOOD=file.csv  the same story with real stock",
            "",
            f"all of this was seen to happen, in {tell.seconds:.0f} s",
            "demo: ok",
        ]
    )


if __name__ == "__main__":
    sys.exit(run_command(app))
