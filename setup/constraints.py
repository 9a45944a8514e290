"""Write constraints.txt: what a clean install of the project and all its groups would bring today.

    .venv/bin/python setup/constraints.py

pip resolves without installing anything, so that nothing which happens to be installed counts.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Resolve, and replace constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    groups = chain.from_iterable(project["dependency-groups"].values())
    wanted = ["--editable", ".", *project["build-system"]["requires"], *groups]
    report = json.loads(subprocess.run([*command, *wanted], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    names = {spelled(item["metadata"]["name"]): item["metadata"]["version"] for item in report["install"]}
    del names[project["project"]["name"]]
    pins = "".join(f"{name}=={version}\n" for name, version in sorted(names.items()))
    (ROOT / "constraints.txt").write_text(
        "# Every version that the project is tested with; `make constraints` renews it.\n" + pins
    )


def spelled(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
