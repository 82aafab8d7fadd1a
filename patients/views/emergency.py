"""Emergency access: open it, end it, and review that of others."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.audit.log import record_access
from patients.audit.outcome import lists
from patients.care.break_glass import break_glass, has_reauthenticated, has_too_many_attempts
from patients.forms.emergency import EmergencyForm
from patients.models import AccessLog, BreakGlass, Draft, Patient
from patients.models.draft import MAX_CHARACTERS
from patients.views.requests import ClinicianRequest

REVIEWS = 200


@require_http_methods(["GET", "POST"])
def open_in_emergency(request: ClinicianRequest) -> HttpResponse:
    """Ask for the patient and the reason, after the user reauthenticated."""
    if request.method == "GET":
        answer: HttpResponse = _ask(request)
        return answer
    if not has_reauthenticated(request):  # asked again by GET: a suspended POST would leave the reason in the session
        _keep_words(request)
        return redirect("patients:emergency")
    form = EmergencyForm(request.POST)
    if has_too_many_attempts(request):
        messages.error(request, _("Too many attempts. Call someone from the patient’s care team."))
        return _page(request, form, status=429)
    if not form.is_valid():
        if form.non_field_errors():
            record_access(request, AccessLog.Action.BREAK_GLASS, found=False)
        return _page(request, form)
    if not Patient.objects.sought_by(request.user).filter(pk=form.patient.pk).exists():
        break_glass(form.patient, request.user, form.cleaned_data["reason"], request)
    Draft.forget(request.user, request.path)
    return redirect("patients:detail", form.patient.pk)


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _ask(request: ClinicianRequest) -> HttpResponse:
    kept = Draft.read(request.user, request.path)  # the draft stays until the record is opened: a GET changes nothing
    return _page(request, EmergencyForm(initial=kept), is_given_back=bool(kept))


def _page(request: ClinicianRequest, form: EmergencyForm, is_given_back: bool = False, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "is_given_back": is_given_back,
        "title": _("Emergency access"),
        "cancel": reverse("patients:list"),
        "section": "patients",
    }
    return render(request, "patients/emergency.html", context, status=status)


def _keep_words(request: ClinicianRequest) -> None:
    """Store the typed text as an encrypted draft. The page restores it after reauthentication."""
    words = {name: request.POST.get(name, "") for name in EmergencyForm.base_fields}
    if any(words.values()) and sum(map(len, words.values())) <= MAX_CHARACTERS:
        Draft.keep(request.user, request.path, words, None)


@require_POST
def end_emergency(request: ClinicianRequest, break_glass_id: int) -> HttpResponse:
    """End one's own emergency access before its time."""
    access = get_object_or_404(request.user.break_glasses.open().select_related("patient"), pk=break_glass_id)
    with transaction.atomic():
        access.end()
        record_access(request, AccessLog.Action.PERMISSION, access.patient, changed="emergency ended", glass=access.pk)
    messages.success(request, _("The emergency access has ended."))
    return redirect("patients:list")


@require_GET
def show_reviews(request: ClinicianRequest) -> HttpResponse:
    """Show every emergency access that this person reviews, open reviews first."""
    accesses = BreakGlass.objects.to_be_reviewed_by(request.user).select_related("patient", "clinician", "reviewed_by")
    shown = accesses.order_by(F("reviewed_at").desc(nulls_first=True), "-opened_at")[:REVIEWS]
    lists(request, {access.patient_id for access in shown})
    return render(request, "patients/emergency_reviews.html", {"accesses": shown, "section": "reviews"})


@require_POST
def review_emergency(request: ClinicianRequest, break_glass_id: int) -> HttpResponse:
    """Note that the access was reviewed."""
    access = get_object_or_404(BreakGlass.objects.to_be_reviewed_by(request.user), pk=break_glass_id)
    with transaction.atomic():
        is_first = access.review(request.user)
        if is_first:  # not as `glass`: a reviewer opens nothing
            record_access(request, AccessLog.Action.PERMISSION, access.patient, changed="emergency reviewed", reviewed=access.pk)
    if is_first:
        messages.success(request, _("Marked as reviewed."))
    return redirect("patients:emergency_reviews")
