"""A real router that checkpoints and sweeps more often than usual, so that a short run sees what comes of it.

`python -m tests.faults.hurried_router run FILE`.
"""

from __future__ import annotations

from byway.cli.app import main
from tests.faults.kill_points import hurry

if __name__ == "__main__":
    hurry()
    main()
