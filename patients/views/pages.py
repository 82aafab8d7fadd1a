"""Pages that belong to no patient: the model card, settings, tours and the theme."""

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ml.card_facts import read_card_facts
from patients.forms.settings import SettingsForm
from patients.models import User
from patients.readings.model_card import ModelCard
from patients.views.requests import ClinicianRequest, redirect_back


@require_GET
def show_model_card(request: ClinicianRequest) -> HttpResponse:
    """Show the model card: what the model is for, how well it does, and where it fails."""
    context = {"model": ModelCard(read_card_facts(settings.MODEL_DIR)), "section": "model"}
    return render(request, "patients/model_card.html", context)


@require_GET
def send_report(request: ClinicianRequest) -> HttpResponseBase:
    """Send report.json as the evaluation wrote it."""
    path = settings.MODEL_DIR / "report.json"
    if not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), as_attachment=True, filename="report.json", content_type="application/json")


@require_http_methods(["GET", "POST"])
def edit_settings(request: ClinicianRequest) -> HttpResponse:
    """Change the user's own settings."""
    form = SettingsForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save(commit=False).save(update_fields=SettingsForm.Meta.fields)  # the user's rights may have changed in the meantime
        messages.success(request, _("Settings saved."))
        return redirect("patients:settings")
    return render(request, "patients/settings.html", {"form": form})


@require_POST
def save_tour(request: ClinicianRequest) -> HttpResponse:
    """Store that the tour was seen, or show it again on the list of patients."""
    asked = request.POST.get("tour", "")
    if asked in ("seen", "again"):
        request.user.see_tour(asked == "seen")
    return redirect("patients:list")


@require_POST
def save_timeline(request: ClinicianRequest) -> HttpResponse:
    """Store whether the timeline shows a row, for all patients of the user. The page has changed already: nothing comes back."""
    request.user.show_in_timeline(request.POST.get("row", ""), request.POST.get("shown") == "1")
    return HttpResponse(status=204)


@require_POST
def save_theme(request: ClinicianRequest) -> HttpResponse:
    """Store the theme. Without a script that names one, the button switches to the other."""
    asked = request.POST.get("theme") or ("light" if request.user.theme == User.Theme.DARK else "dark")
    if asked in User.Theme.values:
        request.user.theme = asked
        request.user.save(update_fields=["theme"])
    return redirect_back(request, "patients:list")
