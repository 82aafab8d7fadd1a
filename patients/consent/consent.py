"""Giving and withdrawing consent, and the texts that patients agree to."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from encryption.keys import keyed_hash
from inference.models import Prediction
from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Consent, ErasureRequest, Participation, Patient, Task, User

TEXTS: dict[str, str | Promise] = {
    # The hours are those that an erasure really waits.
    Consent.Purpose.CARE: ngettext_lazy(
        "Photos of my face are taken in sessions and stored encrypted. A computer program (AI) estimates which expressions they "
        "resemble, and my care team uses this to follow changes. The law calls this emotion recognition. I can withdraw at any "
        "time. Reading then stops at once, and the photos are erased after %(hours)d hour. Values already read stay in my record "
        "unless I ask to have them erased too.",
        "Photos of my face are taken in sessions and stored encrypted. A computer program (AI) estimates which expressions they "
        "resemble, and my care team uses this to follow changes. The law calls this emotion recognition. I can withdraw at any "
        "time. Reading then stops at once, and the photos are erased after %(hours)d hours. Values already read stay in my record "
        "unless I ask to have them erased too.",
        "hours",
    ),
    Consent.Purpose.RESEARCH: _(
        "The values read from my photos may be used for research, without my name. My care does not depend on this. I can withdraw "
        "at any time: my values are then left out of every later file."
    ),
    Consent.Purpose.TEACHING: _(
        "My photos may be shown to trainees who are bound by professional secrecy. My care does not depend on this, and I can "
        "withdraw at any time."
    ),
}
"""The texts of version settings.BUILT_IN_CONSENT_TEXTS, by purpose."""


def consent_text(purpose: str) -> str:
    """Return the text in force; empty if the clinic set a version of its own without its text."""
    if settings.CONSENT_TEXTS:
        return str(settings.CONSENT_TEXTS[purpose])
    if settings.CONSENT_TEXT_VERSION != settings.BUILT_IN_CONSENT_TEXTS:
        return ""
    return TEXTS[purpose] % {"hours": settings.ERASURE_GRACE_HOURS}


def consent_text_fingerprint(purpose: str) -> str:
    """Return a keyed hash of the text in force and its version: a form sends it back to prove which text was shown."""
    return keyed_hash("texts of consent", f"{settings.CONSENT_TEXT_VERSION}:{consent_text(purpose)}".encode())[:16]


def new_consent(patient: Patient, purpose: str, by: User) -> Consent:
    """Return an unsaved consent to the text in force, to be completed with how and when it was given."""
    version = settings.CONSENT_TEXT_VERSION
    return Consent(patient=patient, purpose=purpose, text_version=version, words=consent_text(purpose), recorded_by=by)


def stop_reading(patient: Patient, reason: str = "no_consent") -> int:
    """Drop every unfinished prediction of the patient, also one that a worker has at this moment; return how many."""
    return Prediction.objects.filter(photo__visit__patient=patient).drop(reason)


def withdraw_consent(consent: Consent, by: User, who: Actor, level: str = ErasureRequest.Level.IMAGES) -> bool:
    """Record the withdrawal. For care: stop reading now and erase after settings.ERASURE_GRACE_HOURS, in case it was a mistake.

    Return False if it was recorded already. Other purposes end without an erasure: the data stay for the patient's care. A patient
    who withdraws consent to research is out of every study; after a new consent, a clinician can put them in again.
    """
    with transaction.atomic():
        if not consent.end(by):
            return False
        if consent.purpose == Consent.Purpose.CARE:
            stop_reading(consent.patient)
            due_at = timezone.now() + timedelta(hours=settings.ERASURE_GRACE_HOURS)
            ErasureRequest.queue(consent.patient, level, by, ErasureRequest.Cause.WITHDRAWAL, due_at)
        if consent.purpose == Consent.Purpose.RESEARCH:
            Participation.objects.withdraw(consent.patient)
            Task.objects.about(consent.patient).filter(kind=Task.STUDY_EXPORT).withdraw()
        record_access(who, AccessLog.Action.WITHDRAW, consent.patient, purpose=consent.purpose)
    return True


def give_consent(consent: Consent, who: Actor) -> Consent:
    """Store the new consent. Consent to care stops an erasure that a withdrawal caused, if it has not begun.

    A consent to another text for the same purpose is replaced and stays in the history. Raises IntegrityError while there is a
    consent to the same text.
    """
    with transaction.atomic():
        earlier = Consent.objects.active().filter(patient=consent.patient, purpose=consent.purpose)
        earlier.exclude(text_version=consent.text_version).update(replaced_at=timezone.now())
        consent.save(force_insert=True)
        if consent.purpose == Consent.Purpose.CARE:
            waiting = ErasureRequest.objects.filter(patient=consent.patient, cause=ErasureRequest.Cause.WITHDRAWAL)
            for request in waiting.open():
                if request.stop():
                    record_access(who, AccessLog.Action.ERASE_STOPPED, consent.patient, request=request.pk)
        record_access(
            who, AccessLog.Action.CONSENT, consent.patient, purpose=consent.purpose, text=consent.text_version, how=consent.method
        )
    return consent
