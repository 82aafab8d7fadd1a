"""The rows a clinician works with."""

from patients.models.patient import Assignment, Look, Patient
from patients.models.photo import Photo
from patients.models.token import ApiToken
from patients.models.user import User
from patients.models.visit import Visit

__all__ = ["ApiToken", "Assignment", "Look", "Patient", "Photo", "User", "Visit"]
