"""The project's documents, and the pictures in them."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SCREENSHOTS = PROJECT / "docs" / "screenshots"


def documents() -> list[Path]:
    """Return every Markdown file that people read: at the top, in docs and in deploy."""
    return [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "deploy").rglob("*.md")]


def pictures_shown() -> set[str]:
    """Return the file names of the screenshots that some document shows."""
    shown = r"!\[[^\]]+\]\((?:docs/)?screenshots/([\w-]+\.png)\)"
    return {name for document in documents() for name in re.findall(shown, document.read_text())}
