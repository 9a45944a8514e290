"""`python -m benchmarks`: measure, show, keep."""

from __future__ import annotations

from pathlib import Path

from benchmarks import accept, fanout, figures, filters, match
from benchmarks.router_process import running_router


def main() -> None:
    """Measure a fresh router and write `benchmarks/results/latest.json`."""
    with running_router() as router:
        measured = [*accept.measure(router), *fanout.measure(router)]
    measured += [*match.measure(), *filters.measure()]
    figures.show(measured)
    path = Path(__file__).parent / "results" / "latest.json"
    figures.write(measured, path)
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
