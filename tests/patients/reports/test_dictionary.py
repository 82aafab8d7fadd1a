"""The document of the data dictionary is what its command prints."""

from pathlib import Path

from django.utils import translation

from patients.reports.dictionary import as_markdown

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "data-dictionary.md"


def test_document_is_up_to_date() -> None:
    with translation.override("en"):
        assert DOCUMENT.read_text() == as_markdown()
