"""Every address of the pages, from the list of patients down to the pixels of one face."""

from django.urls import path

from patients.views import caseload, exports, pages, photo, pictures, record, sessions, upload, visit

app_name = "patients"
urlpatterns = [
    path("patients/", caseload.show_caseload, name="list"),
    path("patients/new/", record.add_patient, name="add"),
    path("patients/<uuid:patient_id>/", record.show_patient, name="detail"),
    path("patients/<uuid:patient_id>/edit/", record.edit_patient, name="edit"),
    path("patients/<uuid:patient_id>/visits/new/", record.add_visit, name="add_visit"),
    path("patients/<uuid:patient_id>/csv/", exports.send_patient_csv, name="patient_csv"),
    path("visits/<uuid:visit_id>/", visit.show_visit, name="visit"),
    path("visits/<uuid:visit_id>/state/", visit.show_state, name="visit_state"),
    path("visits/<uuid:visit_id>/edit/", visit.edit_visit, name="edit_visit"),
    path("visits/<uuid:visit_id>/note/", visit.save_note, name="save_note"),
    path("visits/<uuid:visit_id>/photos/", upload.add_photo, name="add_photo"),
    path("visits/<uuid:visit_id>/csv/", exports.send_visit_csv, name="visit_csv"),
    path("photos/<uuid:photo_id>/", photo.show_photo, name="photo"),
    path("photos/<uuid:photo_id>/card/", photo.show_card, name="photo_card"),
    path("photos/<uuid:photo_id>/choose-face/", photo.choose_face, name="choose_face"),
    path("photos/<uuid:photo_id>/exclude/", photo.exclude_photo, name="exclude_photo"),
    path("photos/<uuid:photo_id>/include/", photo.include_photo, name="include_photo"),
    path("photos/<uuid:photo_id>/retry/", photo.retry_photo, name="retry_photo"),
    path("photos/<uuid:photo_id>/dismiss/", photo.dismiss_photo, name="dismiss_photo"),
    path("photos/<uuid:photo_id>/delete/", photo.delete_photo, name="delete_photo"),
    path("photos/<uuid:photo_id>/image/", pictures.send_image, name="photo_image"),
    path("photos/<uuid:photo_id>/preview/", pictures.send_preview, name="photo_preview"),
    path("photos/<uuid:photo_id>/input/", pictures.send_input, name="photo_input"),
    path("photos/<uuid:photo_id>/face/<int:face>/", pictures.send_face, name="photo_face"),
    path("data-dictionary/", exports.show_data_dictionary, name="data_dictionary"),
    path("model-card/", pages.show_model_card, name="model_card"),
    path("model-card/report.json", pages.send_report, name="model_report"),
    path("settings/", pages.edit_settings, name="settings"),
    path("settings/sessions/<int:session_id>/end/", sessions.end_session, name="end_session"),
    path("settings/theme/", pages.save_theme, name="theme"),
    path("session/", sessions.show_session, name="session"),
    path("drafts/", sessions.keep_draft, name="draft"),
]
