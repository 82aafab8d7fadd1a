"""The committed description of the API is that of the code."""

from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

DOCUMENTS = Path(settings.BASE_DIR) / "docs"


def test_document_describes_the_code() -> None:
    made = StringIO()
    call_command("spectacular", fail_on_warn=True, stdout=made)
    # Renew it: manage.py spectacular --file docs/openapi.yaml
    assert made.getvalue().strip() == (DOCUMENTS / "openapi.yaml").read_text().strip()


def test_every_address_has_a_sentence_and_says_how_errors_look() -> None:
    text = (DOCUMENTS / "openapi.yaml").read_text()
    operations = text.count("operationId:")
    assert operations > 55
    assert text.count("        default:\n          description: An error.") == operations
