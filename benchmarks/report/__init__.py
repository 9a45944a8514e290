"""The result of a run: as JSON, on the screen, on the page, and as plots."""
