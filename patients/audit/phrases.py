"""What an entry of the access log says: a verb and the object, in words that a patient can be shown."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models import AccessLog

Action = AccessLog.Action
PAGES = frozenset(
    {
        *("consents", "compare", "patient_agreement", "care", "access_log", "choose_baseline"),
        *("patient_csv", "patient_zip", "access_log_csv", "edit", "edit_visit", "save_note", "save_self_report"),
        *("studies", "patient_studies", "patient_fhir", "visit_fhir", "report", "visit_report"),
    }
)
"""The addresses that an entry names beside its action, where the action alone does not say what was opened, exported or changed."""

Phrase = Callable[[int], str]

# {photo}, {visit}, {event}, {person} and {team} are the objects, with links; {n} counts them.
_PHRASES: dict[str, Phrase] = {
    "list": lambda n: _("saw the patient in a list"),
    "view": lambda n: _("opened the record"),
    "view consents": lambda n: _("opened the consent page"),
    "view compare": lambda n: _("opened the comparison"),
    "view patient_agreement": lambda n: _("compared their labels with the model"),
    "view care": lambda n: _("opened the care team"),
    "view access_log": lambda n: _("opened the access log"),
    "view choose_baseline": lambda n: _("opened the baseline visits"),
    "view report": lambda n: _("opened the report"),
    "view visit visit_report": lambda n: _("opened the report of the visit of {visit}"),
    "view patient_studies": lambda n: _("opened the studies of the patient"),
    "view visit": lambda n: _("opened the visit of {visit}"),
    "view photo": lambda n: ngettext("viewed {photo} of the visit of {visit}", "viewed {n} photos of the visit of {visit}", n),
    "view event": lambda n: ngettext("opened the event {event}", "opened {n} events", n),
    "view import": lambda n: _("opened an import of photos"),
    "add participation": lambda n: _("put the patient into a study"),
    "edit participation": lambda n: _("changed the patient’s arm in a study"),
    "edit participation leave": lambda n: _("recorded that the patient left a study"),
    "add import": lambda n: _("began an import of photos"),
    "edit import": lambda n: _("acknowledged photos that an import could not add"),
    "delete import": lambda n: _("undid an import of photos"),
    "view phonepairing": lambda n: _("waited for photos from a phone for the visit of {visit}"),
    "image photo": lambda n: ngettext(
        "viewed the image of {photo} of the visit of {visit}", "viewed the images of {n} photos of the visit of {visit}", n
    ),
    "add": lambda n: _("added to the record"),
    "add patient": lambda n: _("added the patient"),
    "add patient file": lambda n: _("added the patient from a file"),
    "add visit": lambda n: ngettext("created the visit of {visit}", "created {n} visits", n),
    "add event": lambda n: ngettext("added the event {event}", "added {n} events", n),
    "upload photo": lambda n: ngettext("added {photo} to the visit of {visit}", "added {n} photos to the visit of {visit}", n),
    "upload photo phone": lambda n: ngettext(
        "added {photo} to the visit of {visit} from a phone", "added {n} photos to the visit of {visit} from a phone", n
    ),
    "edit": lambda n: _("changed the record"),
    "edit edit": lambda n: _("changed the name, date of birth, record number or sex"),
    "edit patient_import": lambda n: _("changed the name, date of birth or sex from a file"),
    "edit choose_baseline": lambda n: _("changed the baseline visits"),
    "edit visit": lambda n: _("changed the visit of {visit}"),
    "edit visit edit_visit": lambda n: _("changed the date or note of the visit of {visit}"),
    "edit visit save_note": lambda n: _("changed the note of the visit of {visit}"),
    "edit visit save_self_report": lambda n: _("changed the self-report of the visit of {visit}"),
    "edit visit dates": lambda n: _("confirmed the dates of photos of the visit of {visit}"),
    "edit photo": lambda n: ngettext(
        "changed the note of {photo} of the visit of {visit}", "changed the notes of {n} photos of the visit of {visit}", n
    ),
    "edit event": lambda n: ngettext("changed the event {event}", "changed {n} events", n),
    "edit phonepairing": lambda n: _("disconnected the phone from the visit of {visit}"),
    "move photo": lambda n: ngettext("moved {photo} to the visit of {visit}", "moved {n} photos to the visit of {visit}", n),
    "move visit away": lambda n: ngettext("moved a visit to another patient", "moved {n} visits to another patient", n),
    "move visit here": lambda n: _("moved the visit of {visit} here from another patient"),
    "exclude photo": lambda n: ngettext(
        "excluded {photo} of the visit of {visit}", "excluded {n} photos of the visit of {visit}", n
    ),
    "include photo": lambda n: ngettext(
        "included {photo} of the visit of {visit} again", "included {n} photos of the visit of {visit} again", n
    ),
    "choose_face photo": lambda n: ngettext(
        "chose the face in {photo} of the visit of {visit}", "chose the face in {n} photos of the visit of {visit}", n
    ),
    "retry": lambda n: _("re-analysed photos of the record"),
    "retry photo": lambda n: ngettext(
        "re-analysed {photo} of the visit of {visit}", "re-analysed {n} photos of the visit of {visit}", n
    ),
    "dismiss photo": lambda n: ngettext(
        "dismissed the unusable {photo} of the visit of {visit}", "dismissed {n} unusable photos of the visit of {visit}", n
    ),
    "label photo": lambda n: ngettext("labelled {photo} of the visit of {visit}", "labelled {n} photos of the visit of {visit}", n),
    "label photo removed": lambda n: ngettext(
        "removed their label from {photo} of the visit of {visit}",
        "removed their labels from {n} photos of the visit of {visit}",
        n,
    ),
    "explain photo": lambda n: ngettext(
        "viewed which areas mattered in {photo} of the visit of {visit}",
        "viewed which areas mattered in {n} photos of the visit of {visit}",
        n,
    ),
    "delete photo": lambda n: ngettext("deleted a photo", "deleted {n} photos", n),
    "delete visit": lambda n: ngettext("deleted a visit", "deleted {n} visits", n),
    "delete event": lambda n: ngettext("deleted an event", "deleted {n} events", n),
    "export": lambda n: _("exported data"),
    "export patient_csv": lambda n: _("exported all visits as CSV"),
    "export patient_fhir": lambda n: _("exported all visits as FHIR"),
    "export task_fhir": lambda n: _("exported all visits as FHIR"),
    "export task_report": lambda n: _("exported a report (PDF)"),
    "export caseload_csv": lambda n: _("exported everyone in their care as CSV, with this patient"),
    "export access_log_csv": lambda n: _("exported the access log as CSV"),
    "export patient_zip": lambda n: _("exported the full record (ZIP)"),
    "export research_csv": lambda n: _("exported the research CSV, with this patient’s numbers and without the name"),
    "export task_study_export": lambda n: _("exported the data of a study, with this patient’s numbers and without the name"),
    "export visit": lambda n: _("exported the visit of {visit} as CSV"),
    "export visit visit_fhir": lambda n: _("exported the visit of {visit} as FHIR"),
    "consent care": lambda n: _("recorded consent to care"),
    "consent research": lambda n: _("recorded consent to research"),
    "consent teaching": lambda n: _("recorded consent to teaching"),
    "withdraw care": lambda n: _("recorded that consent to care was withdrawn"),
    "withdraw research": lambda n: _("recorded that consent to research was withdrawn"),
    "withdraw teaching": lambda n: _("recorded that consent to teaching was withdrawn"),
    "erase": lambda n: _("requested an erasure"),
    "erase_stopped": lambda n: _("stopped an erasure"),
    "erased": lambda n: _("erased data"),
    "erased images": lambda n: _("erased all photos"),
    "erased retention": lambda n: _("erased photos at the end of their retention period"),
    "erased anonymise": lambda n: _("erased everything that names the patient"),
    "erased all": lambda n: _("erased everything"),
    "permission": lambda n: _("changed access"),
    "permission assigned user": lambda n: _("gave {person} access"),
    "permission assigned team": lambda n: _("gave the team {team} access"),
    "permission unassigned user": lambda n: _("removed the access of {person}"),
    "permission unassigned team": lambda n: _("removed the access of the team {team}"),
    "permission responsible user": lambda n: _("made {person} the responsible clinician"),
    "permission responsible asked user": lambda n: _("asked {person} to become the responsible clinician"),
    "permission responsible confirmed user": lambda n: _("confirmed that {person} becomes the responsible clinician"),
    "permission responsible declined user": lambda n: _("declined that {person} becomes the responsible clinician"),
    "permission responsible withdrawn user": lambda n: _("took back the request that {person} becomes the responsible clinician"),
    "permission emergency ended": lambda n: _("ended the emergency access"),
    "permission emergency reviewed": lambda n: _("reviewed an emergency access"),
    "permission offered": lambda n: _("showed a code to connect a phone to the visit of {visit}"),
    "permission connected": lambda n: _("connected a phone to the visit of {visit}"),
    "try_number": lambda n: _("entered this patient’s record number for another patient"),
    "break_glass": lambda n: _("opened the record in an emergency"),
}

# The visit of a photo that was deleted is not known, and what is now in another patient's record is not named.
_GONE: dict[str, Phrase] = {
    "move photo": lambda n: ngettext(
        "moved a photo to a visit that is not in this record", "moved {n} photos to a visit that is not in this record", n
    ),
    "view photo": lambda n: ngettext(
        "viewed a photo that is no longer in this record", "viewed {n} photos that are no longer in this record", n
    ),
    "add photo": lambda n: ngettext(
        "added a photo that is no longer in this record", "added {n} photos that are no longer in this record", n
    ),
    "label photo": lambda n: ngettext(
        "labelled a photo that is no longer in this record", "labelled {n} photos that are no longer in this record", n
    ),
    "change photo": lambda n: ngettext(
        "changed a photo that is no longer in this record", "changed {n} photos that are no longer in this record", n
    ),
    "view patient_studies": lambda n: _("opened the studies of the patient"),
    "view visit": lambda n: ngettext(
        "opened a visit that is no longer in this record", "opened {n} visits that are no longer in this record", n
    ),
    "export visit": lambda n: ngettext(
        "exported a visit that is no longer in this record", "exported {n} visits that are no longer in this record", n
    ),
    "change visit": lambda n: ngettext(
        "changed a visit that is no longer in this record", "changed {n} visits that are no longer in this record", n
    ),
}
_GONE_VERBS = {
    "view": "view",
    "image": "view",
    "explain": "view",
    "upload": "add",
    "label": "label",
    "export": "export",
    "move": "move",
}


def phrase_key(entry: AccessLog) -> str:
    """Return the key of the entry's phrase. Entries that differ in it are never shown as one."""
    action, kind = entry.action, entry.object_kind
    told = entry.detail.get
    if action == Action.ADD and not kind:
        exact = ("add patient file" if told("file") else "add patient") if told("new") else "add"
    elif action == Action.UPLOAD and told("phone_pairing"):
        exact = "upload photo phone"
    elif action == Action.LABEL and told("taken_back"):
        exact = "label photo removed"
    elif action == Action.ERASED and told("cause") == "retention":
        exact = "erased retention"
    elif action == Action.PERMISSION:
        exact = " ".join(["permission", str(told("changed") or told("phone") or ""), kind if kind in ("user", "team") else ""])
    else:
        extra = told("page") or told("purpose") or told("level") or told("direction") or ("dates" if told("dates") else "")
        exact = " ".join(filter(None, [action, kind, str(extra)]))
    candidates = (exact.strip(), f"{action} {kind}".strip(), action)
    return next((key for key in candidates if key in _PHRASES), "")


def phrase(key: str, n: int, otherwise: str, is_gone: bool) -> str:
    """Return the sentence for `n` objects, with its objects as fields in braces.

    `otherwise` is for an entry that no phrase tells. With `is_gone` the visit is no longer in the record, and is not named.
    """
    if not key:
        return otherwise
    sentence = _PHRASES[key](n)
    if is_gone and "{visit}" in sentence:
        action, kind, *_rest = key.split()
        thing = "photo" if kind == "photo" else "visit"
        exact = f"{_GONE_VERBS.get(action, action)} {thing}"
        return _GONE[exact if exact in _GONE else f"change {thing}"](n)
    return sentence
