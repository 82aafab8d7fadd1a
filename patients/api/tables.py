"""Tables as CSV, for programs: commas and decimal points, whatever language someone reads."""

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from patients.api.form_data import checked
from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.care.break_glass import has_reauthenticated
from patients.forms.export import PHOTOS, TABLES, ExportForm
from patients.models import Patient, Visit
from patients.reports.csv_export import csv_response
from patients.reports.dialects import COMMA, PROGRAMS
from patients.reports.everyone import Everyone
from patients.reports.scope import Scope

CSV = {(200, "text/csv"): OpenApiTypes.STR}
CSV_PARAMETERS = (
    OpenApiParameter("table", OpenApiTypes.STR, enum=[name for name, _words in TABLES], default=PHOTOS),
    OpenApiParameter("since", OpenApiTypes.DATE, description="The first day, included"),
    OpenApiParameter("until", OpenApiTypes.DATE, description="The last day, included"),
    OpenApiParameter(
        "bom", OpenApiTypes.STR, description="Given, the file begins with a byte order mark, for spreadsheets that guess"
    ),
)


def csv_answer(request: Request, patient: Patient | None, visit: Visit | None = None) -> StreamingHttpResponse:
    """Return the table that the request names, of one patient or visit, or (None) of everyone, whose access logs get entries.

    Raises ValidationError for a table or a day that is none.
    """
    form = checked(ExportForm(request.query_params, []))
    scope = Scope([patient] if patient else Everyone(request), visit, *form.days, is_caseload=patient is None)
    dialect = COMMA if "bom" in request.query_params else PROGRAMS
    return csv_response(form.cleaned_data["table"] or PHOTOS, scope, signed_in(request), dialect)


class CaseloadCsv(DescribedView):
    """A table of everyone in your care."""

    parameters = {"get": CSV_PARAMETERS}  # noqa: RUF012  # read by DescribedView

    @extend_schema(responses=CSV, tags=["exports"])
    def get(self, request: Request) -> StreamingHttpResponse:
        """A table of all patients in your care, as CSV. The access log of each gets an entry."""
        if request.auth is None and not has_reauthenticated(request._request):  # a browser; a key has its own limits
            raise PermissionDenied("Give your password again on the page for exports first.", code="reauthentication_required")
        return csv_answer(request, patient=None)
