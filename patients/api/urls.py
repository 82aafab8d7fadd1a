"""The API's addresses, each with its view, its name and its access rule."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from patients.api.fhir import PatientBundle, VisitBundle
from patients.api.views import PatientViewSet, PatientVisits, PhotoViewSet, VisitPhotos, VisitViewSet
from patients.audit.addresses import page
from patients.audit.rules import ADDED, EDITED, EXPORTED, LISTED, POLLED, SIGNED_IN, VIEWED, Action, change

app_name = "api"

urlpatterns = [
    page("patients/", PatientViewSet.as_view({"get": "list", "post": "create"}), "patient-list", LISTED),
    # VIEWED: the view adds the entry of a change itself.
    page("patients/<pk>/", PatientViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), "patient-detail", VIEWED),
    page("patients/<pk>/csv/", PatientViewSet.as_view({"get": "csv"}), "patient-csv", EXPORTED),
    page("patients/<uuid:patient>/fhir/", PatientBundle.as_view(), "patient-fhir", EXPORTED),
    page("patients/<pk>/timeline/", PatientViewSet.as_view({"get": "timeline"}), "patient-timeline", VIEWED),
    page("patients/<uuid:patient>/visits/", PatientVisits.as_view(), "patient-visits", ADDED),
    page("visits/<pk>/", VisitViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), "visit-detail", EDITED),
    page("visits/<pk>/csv/", VisitViewSet.as_view({"get": "csv"}), "visit-csv", EXPORTED),
    page("visits/<uuid:visit>/fhir/", VisitBundle.as_view(), "visit-fhir", EXPORTED),
    page("visits/<uuid:visit>/photos/", VisitPhotos.as_view(), "visit-photos", POLLED),
    page("photos/<pk>/", PhotoViewSet.as_view({"get": "retrieve", "delete": "destroy"}), "photo-detail", POLLED),
    page(
        "photos/<pk>/choose-face/",
        PhotoViewSet.as_view({"post": "choose_face"}),
        "photo-choose-face",
        change(Action.CHOOSE_FACE),
    ),
    page("photos/<pk>/retry/", PhotoViewSet.as_view({"post": "retry"}), "photo-retry", change(Action.RETRY)),
    page("schema/", SpectacularAPIView.as_view(), "schema", SIGNED_IN),
    page("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), "docs", SIGNED_IN),
]
