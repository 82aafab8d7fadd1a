"""The API's addresses, each with its view, its name and its access rule.

An address whose name a page has too is named in the access log as the page is (patients/audit/phrases.py).
"""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from patients.api.account import MyAccount
from patients.api.fhir import PatientBundle, VisitBundle
from patients.api.patients import PatientViewSet
from patients.api.photos import PhotoViewSet, VisitPhotos
from patients.api.tables import CaseloadCsv
from patients.api.timeline import PatientTimeline
from patients.api.visits import PatientVisits, VisitViewSet
from patients.audit.addresses import page
from patients.audit.rules import (
    ADDED,
    ANYONE,
    EDITED,
    EXPORTED,
    LISTED,
    OWN_EXPORT,
    POLLED,
    POLLED_OR_EDITED,
    SIGNED_IN,
    VIEWED,
    Action,
    change,
)

app_name = "api"

urlpatterns = [
    page("me/", MyAccount.as_view(), "me", SIGNED_IN),
    page("patients/", PatientViewSet.as_view({"get": "list", "post": "create"}), "patient-list", LISTED),
    # VIEWED: the view adds the entry of a change itself.
    page(
        "patients/<uuid:patient>/", PatientViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), "patient-detail", VIEWED
    ),
    page("patients/<uuid:patient>/csv/", PatientViewSet.as_view({"get": "csv"}), "patient-csv", EXPORTED),
    page("patients/<uuid:patient>/fhir/", PatientBundle.as_view(), "patient-fhir", EXPORTED),
    page("patients/<uuid:patient>/timeline/", PatientTimeline.as_view(), "patient-timeline", VIEWED),
    page("patients/<uuid:patient>/visits/", PatientVisits.as_view(), "patient-visits", ADDED),
    page("csv/", CaseloadCsv.as_view(), "caseload-csv", OWN_EXPORT),
    page("visits/<uuid:visit>/", VisitViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), "visit-detail", EDITED),
    page("visits/<uuid:visit>/csv/", VisitViewSet.as_view({"get": "csv"}), "visit-csv", EXPORTED),
    page("visits/<uuid:visit>/fhir/", VisitBundle.as_view(), "visit-fhir", EXPORTED),
    page("visits/<uuid:visit>/photos/", VisitPhotos.as_view(), "visit-photos", POLLED),
    page(
        "photos/<uuid:photo>/",
        PhotoViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        "photo-detail",
        POLLED_OR_EDITED,
    ),
    page(
        "photos/<uuid:photo>/choose-face/",
        PhotoViewSet.as_view({"post": "choose_face"}),
        "photo-choose-face",
        change(Action.CHOOSE_FACE),
    ),
    page("photos/<uuid:photo>/retry/", PhotoViewSet.as_view({"post": "retry"}), "photo-retry", change(Action.RETRY)),
    page("photos/<uuid:photo>/exclude/", PhotoViewSet.as_view({"post": "exclude"}), "photo-exclude", change(Action.EXCLUDE)),
    page("photos/<uuid:photo>/include/", PhotoViewSet.as_view({"post": "include"}), "photo-include", change(Action.INCLUDE)),
    page("photos/<uuid:photo>/dismiss/", PhotoViewSet.as_view({"post": "dismiss"}), "photo-dismiss", change(Action.DISMISS)),
    page("photos/<uuid:photo>/explain/", PhotoViewSet.as_view({"post": "explain"}), "photo-explain", change(Action.EXPLAIN)),
    page("schema/", SpectacularAPIView.as_view(), "schema", ANYONE),
    page("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), "docs", ANYONE),
]
