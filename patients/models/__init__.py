"""The database models: people, patients, visits, photos, and the records about their care."""

from patients.models.access import AccessLog
from patients.models.break_glass import BreakGlass
from patients.models.care_request import CareRequest
from patients.models.consent import Consent
from patients.models.draft import Draft
from patients.models.erasure import ErasureRequest
from patients.models.event import Event
from patients.models.notice import Notice
from patients.models.own_label import OwnLabel
from patients.models.patient import Assignment, LastViewed, Patient
from patients.models.patient_import import PatientImport
from patients.models.phone_pairing import PhonePairing
from patients.models.photo import Photo
from patients.models.photo_import import Import, ImportFailure
from patients.models.self_report import SelfReport
from patients.models.study import Arm, GroupModel, Participation, Study, StudyMember
from patients.models.summary import Outdated, PatientSummary, VisitSummary
from patients.models.task import Task
from patients.models.team import Membership, Team, TeamAssignment
from patients.models.token import ApiToken
from patients.models.user import User
from patients.models.visit import Visit

__all__ = [
    "AccessLog",
    "ApiToken",
    "Arm",
    "Assignment",
    "BreakGlass",
    "CareRequest",
    "Consent",
    "Draft",
    "ErasureRequest",
    "Event",
    "GroupModel",
    "Import",
    "ImportFailure",
    "LastViewed",
    "Membership",
    "Notice",
    "Outdated",
    "OwnLabel",
    "Participation",
    "Patient",
    "PatientImport",
    "PatientSummary",
    "PhonePairing",
    "Photo",
    "SelfReport",
    "Study",
    "StudyMember",
    "Task",
    "Team",
    "TeamAssignment",
    "User",
    "Visit",
    "VisitSummary",
]
