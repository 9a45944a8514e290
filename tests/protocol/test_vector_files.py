"""The golden files are what their generator writes."""

from __future__ import annotations

import pytest

from tests.vectors.generate import FILES, HERE, path, render


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_as_it_is_generated(name: str) -> None:
    assert path(name).read_text("utf-8") == render(name)


def test_every_file_is_generated() -> None:
    assert {file.stem for file in HERE.glob("*.json")} == set(FILES)
