"""The API's addresses, each with its view, its name and its access rule.

An address whose name a page has too is named in the access log as the page is (patients/audit/phrases.py).
"""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from patients.api.account import MyAccount
from patients.api.comparison import PatientComparison
from patients.api.consents import ConsentTexts, ConsentWithdrawal, PatientConsents
from patients.api.events import EventViewSet, PatientEvents
from patients.api.fhir import PatientBundle, VisitBundle
from patients.api.labels import PhotoLabel
from patients.api.participations import LeaveStudy, PatientStudies
from patients.api.patients import PatientViewSet
from patients.api.photos import PhotoViewSet, VisitPhotos
from patients.api.pictures import PhotoFace, PhotoPicture
from patients.api.reanalysis import PatientReanalysis
from patients.api.self_reports import VisitSelfReport
from patients.api.studies import StudyDetail, StudyExport, StudyList
from patients.api.tables import CaseloadCsv
from patients.api.tasks import PatientReport, TaskList, TaskViewSet, VisitReport
from patients.api.timeline import PatientTimeline
from patients.api.visits import PatientVisits, VisitViewSet
from patients.audit.addresses import page
from patients.audit.rules import (
    ADDED,
    ANYONE,
    CARE_TEAM,
    EDITED,
    EXPORTED,
    IDENTITY_BY_PROGRAM,
    LISTED,
    OPENED_OR_ADDED,
    OWN_ENTRY,
    OWN_EXPORT,
    OWN_TASKS,
    PICTURE,
    POLLED,
    POLLED_OR_EDITED,
    SHOWN_OR_BY_CARE_TEAM,
    SIGNED_IN,
    STUDIES_LISTED,
    STUDY_EXPORTED,
    STUDY_VIEWED,
    VIEWED,
    Action,
    change,
)
from patients.readings.pictures import PARTS

app_name = "api"
one_row = {"get": "retrieve", "patch": "partial_update"}
row_or_delete = one_row | {"delete": "destroy"}

of_patients = [
    page("patients/", PatientViewSet.as_view({"get": "list", "post": "create"}), "patient-list", LISTED),
    page("patients/<uuid:patient>/", PatientViewSet.as_view({**one_row}), "patient-detail", IDENTITY_BY_PROGRAM),
    page("patients/<uuid:patient>/consents/", PatientConsents.as_view(), "consents", SHOWN_OR_BY_CARE_TEAM),
    page("patients/<uuid:patient>/consents/<slug:purpose>/withdraw/", ConsentWithdrawal.as_view(), "withdraw-consent", CARE_TEAM),
    page("patients/<uuid:patient>/csv/", PatientViewSet.as_view({"get": "csv"}), "patient-csv", EXPORTED),
    page("patients/<uuid:patient>/fhir/", PatientBundle.as_view(), "patient-fhir", EXPORTED),
    page("patients/<uuid:patient>/report/", PatientReport.as_view(), "report", OWN_EXPORT),
    page("patients/<uuid:patient>/timeline/", PatientTimeline.as_view(), "patient-timeline", VIEWED),
    page("patients/<uuid:patient>/compare/", PatientComparison.as_view(), "compare", VIEWED),
    page("patients/<uuid:patient>/events/", PatientEvents.as_view(), "patient-events", ADDED),
    page("patients/<uuid:patient>/read-again/", PatientReanalysis.as_view(), "read-again", change(Action.RETRY)),
    page("patients/<uuid:patient>/studies/", PatientStudies.as_view(), "patient-studies", SHOWN_OR_BY_CARE_TEAM),
    page("patients/<uuid:patient>/studies/<uuid:study>/leave/", LeaveStudy.as_view(), "leave-study", CARE_TEAM),
    page("patients/<uuid:patient>/visits/", PatientVisits.as_view(), "patient-visits", ADDED),
    page("events/<uuid:event>/", EventViewSet.as_view({**row_or_delete}), "event-detail", EDITED),
    page("csv/", CaseloadCsv.as_view(), "caseload-csv", OWN_EXPORT),
]
of_visits = [
    page("visits/<uuid:visit>/", VisitViewSet.as_view({**one_row}), "visit-detail", EDITED),
    page("visits/<uuid:visit>/csv/", VisitViewSet.as_view({"get": "csv"}), "visit-csv", EXPORTED),
    page("visits/<uuid:visit>/fhir/", VisitBundle.as_view(), "visit-fhir", EXPORTED),
    page("visits/<uuid:visit>/report/", VisitReport.as_view(), "visit-report", OWN_EXPORT),
    page("visits/<uuid:visit>/self-report/", VisitSelfReport.as_view(), "save-self-report", EDITED),
    page("visits/<uuid:visit>/photos/", VisitPhotos.as_view(), "visit-photos", POLLED),
]
changes_of_photos = {
    "choose_face": Action.CHOOSE_FACE,
    "retry": Action.RETRY,
    "exclude": Action.EXCLUDE,
    "include": Action.INCLUDE,
    "dismiss": Action.DISMISS,
    "explain": Action.EXPLAIN,
}
of_photos = [
    page("photos/<uuid:photo>/", PhotoViewSet.as_view({**row_or_delete}), "photo-detail", POLLED_OR_EDITED),
    page("photos/<uuid:photo>/label/", PhotoLabel.as_view(), "save-label", OPENED_OR_ADDED),
    page("photos/<uuid:photo>/faces/<int:face>/", PhotoFace.as_view(), "photo-face", PICTURE),
    *(page(f"photos/<uuid:photo>/{part}/", PhotoPicture.as_view(part=part), f"photo-{part}", PICTURE) for part in PARTS),
    *(
        page(f"photos/<uuid:photo>/{name}/", PhotoViewSet.as_view({"post": verb}), f"photo-{name}", change(action))
        for verb, action in changes_of_photos.items()
        for name in [verb.replace("_", "-")]
    ),
]
of_everyone = [
    page("me/", MyAccount.as_view(), "me", SIGNED_IN),
    page("consent-texts/", ConsentTexts.as_view(), "consent-texts", OWN_ENTRY),
    page("studies/", StudyList.as_view(), "studies", STUDIES_LISTED),
    page("studies/<uuid:study>/", StudyDetail.as_view(), "study-detail", STUDY_VIEWED),
    page("studies/<uuid:study>/export/", StudyExport.as_view(), "export-study", STUDY_EXPORTED),
    page("tasks/", TaskList.as_view(), "tasks", OWN_TASKS),
    page("tasks/<uuid:task>/", TaskViewSet.as_view({"get": "retrieve"}), "task-detail", SIGNED_IN),
    page("tasks/<uuid:task>/file/", TaskViewSet.as_view({"get": "file"}), "task-file", SIGNED_IN),
    page("tasks/<uuid:task>/cancel/", TaskViewSet.as_view({"post": "cancel"}), "cancel-task", SIGNED_IN),
    page("tasks/<uuid:task>/retry/", TaskViewSet.as_view({"post": "retry"}), "retry-task", SIGNED_IN),
    page("schema/", SpectacularAPIView.as_view(), "schema", ANYONE),
    page("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), "docs", ANYONE),
]
urlpatterns = [*of_everyone, *of_patients, *of_visits, *of_photos]
