"""The user's own sessions: how long this one lasts, drafts from when it ended, and how to end others."""

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect
from django.urls import resolve
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from patients.audit.log import patient_id_of
from patients.audit.middleware import SUBJECTS, subject_of
from patients.models import Draft, Patient
from patients.models.draft import MAX_CHARACTERS, PATH_MAX_LENGTH
from patients.views.lookups import find_patient
from patients.views.requests import ClinicianRequest, LimitedRequest


@login_not_required
@require_http_methods(["GET", "POST"])
def show_session(request: LimitedRequest) -> HttpResponse:
    """Answer how many seconds the session lasts without activity, whose it is, and what its forms must carry.

    A page asks (GET, marked as background) or reports activity (POST). It may be older than the sign-in.
    """
    if request.seconds_left <= 0:
        return JsonResponse({"seconds_left": 0}, status=401)
    state = {"seconds_left": request.seconds_left, "user_mark": request.user_mark, "csrf_token": get_token(request)}
    return JsonResponse(state)


@require_POST
def end_session(request: ClinicianRequest, session_id: int) -> HttpResponse:
    """End one of the user's sessions on another device."""
    session = get_object_or_404(UserSession, user=request.user, pk=session_id)
    if session.session_key == request.session.session_key:
        messages.warning(request, _("This is your current session. Use “Sign out” to end it."))
    else:
        session.end()
        messages.success(request, _("Session signed out."))
    return redirect("usersessions_list")


@require_http_methods(["GET", "POST"])
def keep_draft(request: ClinicianRequest) -> JsonResponse:
    """Store a draft of what someone was writing on a page (POST), delete it (POST with `forget`), or return it (GET)."""
    path = request.POST.get("path", "") or request.GET.get("path", "")
    patient = _patient_of(request, path)
    if request.method == "GET":
        return JsonResponse({"fields": Draft.read(request.user, path)})
    if "forget" in request.POST:
        Draft.forget(request.user, path)
        return JsonResponse({"fields": {}})
    fields = {name: str(value) for name, value in request.POST.items() if name not in ("path", "csrfmiddlewaretoken")}
    if sum(map(len, fields.values())) > MAX_CHARACTERS:
        return JsonResponse({"code": "too_long", "message": _("This draft is too long to keep.")}, status=413)
    Draft.keep(request.user, path, fields, patient)
    return JsonResponse({"fields": {}}, status=201)


def _patient_of(request: ClinicianRequest, path: str) -> Patient | None:
    """Return the patient of the page: the draft is deleted with them. None for a page of no patient.

    Raises Http404 if the clinician may not see the page.
    """
    match = resolve(path) if len(path) <= PATH_MAX_LENGTH else None
    if match is None or match.app_names != ["patients"]:
        raise Http404
    if not SUBJECTS.keys() & match.kwargs.keys():
        return None
    patient_id = patient_id_of(subject_of(match))
    if patient_id is None:
        raise Http404
    return find_patient(request, patient_id)
