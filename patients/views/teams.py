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

from patients.accounts.proof import password_before_change
from patients.audit.log import record_access
from patients.care.notices import Told, tell
from patients.care.requests import ASKED, NO_SECOND_PERSON, NoSecondPerson, ask_to_join
from patients.forms.names import TypedNameField
from patients.models import AccessLog, Team, User
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
@password_before_change
def join_team(request: ClinicianRequest, team_id: int) -> HttpResponse:
    """Ask that a clinician joins, which a second person confirms; or change whether a member leads."""
    team = find_team(request, team_id)
    form = MemberForm(able_to_join(), request.POST)
    if not form.is_valid():
        return redirect("patients:team", team.pk)
    clinician, is_lead = form.cleaned_data["clinician"], form.cleaned_data["is_lead"]
    if team.memberships.filter(clinician=clinician).exists():
        _change_lead(request, team, clinician, is_lead)
        messages.success(request, _("Team changed."))
        return redirect("patients:team", team.pk)
    try:
        asked = ask_to_join(team, clinician, is_lead, request.user, request)
    except NoSecondPerson:
        messages.error(request, NO_SECOND_PERSON)
    else:
        messages.success(request, ASKED if asked else _("Team changed."))
    return redirect("patients:team", team.pk)


@require_POST
@password_before_change
def leave_team(request: ClinicianRequest, team_id: int) -> HttpResponse:
    """Remove a clinician from the team, and tell them and the team."""
    team = find_team(request, team_id)
    form = MemberForm(User.objects.filter(memberships__team=team), request.POST)
    if form.is_valid():
        clinician = form.cleaned_data["clinician"]
        told = list(User.objects.filter(memberships__team=team))
        with transaction.atomic():
            team.memberships.filter(clinician=clinician).delete()
            record_access(request, AccessLog.Action.PERMISSION, obj=clinician, changed="left a team", team=team.pk)
            tell(told, Told("left", request.user, about=clinician, team=team))
        messages.success(request, _("Team changed."))
    is_still_theirs = teams_of(request.user).filter(pk=team.pk).exists()
    return redirect("patients:team", team.pk) if is_still_theirs else redirect("patients:teams")


def _change_lead(request: ClinicianRequest, team: Team, clinician: User, is_lead: bool) -> None:
    with transaction.atomic():
        if not team.memberships.filter(clinician=clinician).exclude(is_lead=is_lead).update(is_lead=is_lead):
            return
        record_access(request, AccessLog.Action.PERMISSION, obj=clinician, changed="lead of a team", team=team.pk, is_lead=is_lead)
        members = User.objects.filter(memberships__team=team)
        tell(members, Told("lead" if is_lead else "no_lead", request.user, about=clinician, team=team))
