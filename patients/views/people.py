"""The accounts of an installation: roles, rights and invitations."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.accounts.people import invitation_path, is_name_taken, log_permissions, reset_factors, send_invitation
from patients.accounts.proof import password_before_change
from patients.care.requests import ASKED, NO_SECOND_PERSON, NoSecondPerson, ask_to_hand_over
from patients.care.team import unattended
from patients.forms.conflicts import ConflictCheckedForm
from patients.forms.names import TypedNameField
from patients.models import ApiToken, User
from patients.models.identifiers import canonical_address
from patients.models.names import by_name
from patients.views.requests import ClinicianRequest, number_in


class PersonForm(ConflictCheckedForm[User]):
    """The name, role and rights of an account."""

    display_name = TypedNameField(label=gettext_lazy("Name"), max_length=100)

    def clean_display_name(self) -> str:
        """Return the name, which no one else has, however it is spelt: the access log tells people apart by it."""
        name: str = self.cleaned_data["display_name"]
        if is_name_taken(name, self.instance.pk):
            raise forms.ValidationError(_("Someone already has this name. Add what tells the two apart."))
        return name

    class Meta:
        model = User
        fields = ("display_name", "role", "may_export", "may_erase", "is_active")
        labels = {"is_active": gettext_lazy("May sign in")}  # noqa: RUF012  # Django's own shape


class InviteForm(PersonForm):
    """A new account."""

    class Meta(PersonForm.Meta):
        fields = ("email", "display_name", "role", "may_export", "may_erase")

    def clean_email(self) -> str:
        """Return the address in its canonical form, which no one has yet."""
        email = canonical_address(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("Someone already signs in with this address."))
        return email


@require_GET
def show_people(request: ClinicianRequest) -> HttpResponse:
    """Show all accounts, disabled ones too."""
    people = User.objects.with_factors().annotate(patient_count=Count("assignments", distinct=True))
    context = {"people": by_name(people, lambda person: person.display_name), "unattended": unattended(), "section": "people"}
    return render(request, "patients/people.html", context)


@require_http_methods(["GET", "POST"])
@password_before_change
def invite_person(request: ClinicianRequest) -> HttpResponse:
    """Create an account and mail its owner a link. Where no mail server is set, the page shows the link."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            user = form.save(commit=False)
            user.set_unusable_password()
            user.save()
            log_permissions(user, request, "invited")
        return _invite(request, user)
    return render(request, "patients/person.html", {"form": form, "section": "people"})


@require_http_methods(["GET", "POST"])
@password_before_change
def edit_person(request: ClinicianRequest, user_id: int) -> HttpResponse:
    """Change an account. Administrators cannot change their own."""
    person = get_object_or_404(User, pk=user_id)
    is_self = person == request.user
    form = PersonForm(request.POST or None, instance=person)
    if request.method == "POST" and is_self:
        messages.error(request, _("Only another administrator can change your account."))
    elif request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()  # only the changed fields: the password may have changed meanwhile
            keys = 0 if person.is_active and "role" not in form.changed_data else ApiToken.revoke_all(person)
            log_permissions(person, request, "name and rights" if "display_name" in form.changed_data else "rights", keys)
        messages.success(request, _("Changes saved."))
        return redirect("patients:people")
    return render(request, "patients/person.html", _facts(User.objects.get(pk=user_id), form, is_self))


@require_POST
@password_before_change
def renew_invitation(request: ClinicianRequest, user_id: int) -> HttpResponse:
    """Mail a new link with which the owner of a new account sets a password. Only without a mail server does the page show it.

    An account that has a password gets no link, so that no administrator can take it over: its owner resets it by mail.
    """
    person = get_object_or_404(User, pk=user_id, is_active=True)
    if person.has_usable_password():
        raise Http404
    return _invite(request, person)


@require_POST
@password_before_change
def reset_factor(request: ClinicianRequest, user_id: int) -> HttpResponse:
    """Remove a lost second factor. Not one's own: a stolen session must not be able to remove it."""
    person = get_object_or_404(User.objects.exclude(pk=request.user.pk), pk=user_id)
    reset_factors(person, request)
    messages.success(request, _("Two-factor sign-in was reset. It is set up again at the next sign-in."))
    return redirect("patients:person", person.pk)


@require_POST
@password_before_change
def hand_over_patients(request: ClinicianRequest, user_id: int) -> HttpResponse:
    """Ask that the patients of someone who leaves are assigned to someone else as well: a second person confirms it."""
    leaving = get_object_or_404(User, pk=user_id)
    taking = get_object_or_404(_able_to_take(leaving), pk=number_in(request.POST.get("to", "")))
    try:
        ask_to_hand_over(leaving, taking, request.user, request)
    except NoSecondPerson:
        messages.error(request, NO_SECOND_PERSON)
    else:
        messages.success(request, ASKED)
    return redirect("patients:person", leaving.pk)


def _invite(request: ClinicianRequest, person: User) -> HttpResponse:
    if not settings.HAS_MAIL:
        return _show_link(request, person)
    if not send_invitation(person, request.user, request.build_absolute_uri(invitation_path(person))):
        messages.error(request, _("The mail server did not take the invitation. Send the link again later."))
        return redirect("patients:person", person.pk)
    messages.success(request, _("Invitation sent to %(email)s.") % {"email": person.email})
    return redirect("patients:person", person.pk)


def _show_link(request: ClinicianRequest, person: User) -> HttpResponse:
    log_permissions(person, request, "invitation shown")
    link = request.build_absolute_uri(invitation_path(person))
    return render(request, "patients/person.html", _facts(person, PersonForm(instance=person), person == request.user, link=link))


def _able_to_take(leaving: User) -> Any:  # Any: the manager's own type
    return User.objects.filter(is_active=True, role=User.Role.CLINICIAN).exclude(pk=leaving.pk)


def _facts(person: User, form: PersonForm, is_self: bool, link: str = "") -> dict[str, object]:
    return {
        "person": person,
        "form": form,
        "is_self": is_self,
        "link": link,
        "has_mail": settings.HAS_MAIL,
        "patient_count": person.assignments.count(),
        "others": _able_to_take(person),
        "way_back": reverse("patients:person", args=[person.pk]),
        "section": "people",
    }
