"""The first page after sign-in."""

from django.http import HttpResponse
from django.shortcuts import redirect

from patients.models import User
from patients.views.requests import ClinicianRequest

BEGINS = {
    User.Role.CLINICIAN: "patients:list",
    User.Role.RESEARCHER: "patients:research",
    User.Role.ADMINISTRATOR: "patients:people",
}


def go_home(request: ClinicianRequest) -> HttpResponse:
    """Redirect to the first page of the user's role."""
    return redirect(BEGINS[User.Role(request.user.role)])
