"""Care teams: administrators create them; administrators and leads manage their members."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.audit.log import record_access
from patients.forms.names import TypedNameField
from patients.models import AccessLog, Membership, Team, User
from patients.models.names import by_name
from patients.views.lookups import find_team, teams_of
from patients.views.requests import ClinicianRequest


class TeamForm(forms.ModelForm[Team]):
    """The name of a team."""

    name = TypedNameField(label=gettext_lazy("Name"), max_length=100)

    class Meta:
        model = Team
        fields = ("name",)


class MemberForm(forms.Form):
    """Who joins the team, and whether they lead it."""

    clinician = forms.ModelChoiceField(User.objects.none())
    is_lead = forms.BooleanField(required=False)

    def __init__(self, able: QuerySet[User], *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # passed through as they came
        field = self.fields["clinician"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = able


def able_to_join() -> QuerySet[User]:
    """Return the clinicians who can sign in."""
    return User.objects.filter(is_active=True, role=User.Role.CLINICIAN)


@require_GET
def show_teams(request: ClinicianRequest) -> HttpResponse:
    """Show the teams with their numbers of members and patients."""
    counts = {"member_count": Count("memberships", distinct=True), "patient_count": Count("assignments", distinct=True)}
    return render(
        request,
        "patients/teams.html",
        {"teams": Team.objects.filter(pk__in=teams_of(request.user)).annotate(**counts), "section": "teams"},
    )


@require_http_methods(["GET", "POST"])
def add_team(request: ClinicianRequest) -> HttpResponse:
    """Create a team."""
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            team = form.save()
            record_access(request, AccessLog.Action.PERMISSION, obj=team, changed="team made")
        return redirect("patients:team", team.pk)
    return render(request, "patients/team_form.html", {"form": form, "section": "teams"})


@require_GET
def show_team(request: ClinicianRequest, team_id: int) -> HttpResponse:
    """Show the members of the team."""
    team = find_team(request, team_id)
    context = {
        "team": team,
        "members": by_name(team.memberships.select_related("clinician"), lambda member: member.clinician.display_name),
        "others": able_to_join().exclude(memberships__team=team),
        "section": "teams",
    }
    return render(request, "patients/team.html", context)


@require_POST
def join_team(request: ClinicianRequest, team_id: int) -> HttpResponse:
    """Add a clinician, or change whether they lead."""
    team = find_team(request, team_id)
    form = MemberForm(able_to_join(), request.POST)
    if form.is_valid():
        clinician, is_lead = form.cleaned_data["clinician"], form.cleaned_data["is_lead"]
        with transaction.atomic():
            Membership.objects.update_or_create(team=team, clinician=clinician, defaults={"is_lead": is_lead})
            record_access(
                request, AccessLog.Action.PERMISSION, obj=clinician, changed="joined a team", team=team.pk, is_lead=is_lead
            )
        messages.success(request, _("Team changed."))
    return redirect("patients:team", team.pk)


@require_POST
def leave_team(request: ClinicianRequest, team_id: int) -> HttpResponse:
    """Remove a clinician from the team."""
    team = find_team(request, team_id)
    form = MemberForm(User.objects.filter(memberships__team=team), request.POST)
    if form.is_valid():
        clinician = form.cleaned_data["clinician"]
        with transaction.atomic():
            team.memberships.filter(clinician=clinician).delete()
            record_access(request, AccessLog.Action.PERMISSION, obj=clinician, changed="left a team", team=team.pk)
        messages.success(request, _("Team changed."))
    is_still_theirs = teams_of(request.user).filter(pk=team.pk).exists()
    return redirect("patients:team", team.pk) if is_still_theirs else redirect("patients:teams")
