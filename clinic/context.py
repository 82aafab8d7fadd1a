"""Template context of every page."""

from django.conf import settings
from django.http import HttpRequest

from patients.reports.dialects import spreadsheet_dialects


def site(request: HttpRequest) -> dict[str, object]:
    """Return what base.html and the links to CSV files need."""
    own, other = spreadsheet_dialects()
    return {"is_demo": settings.DEMO, "csv_own": own, "csv_other": other, "oidc": settings.OIDC}
