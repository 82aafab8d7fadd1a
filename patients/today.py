"""What day it is where the clinic is: the zone in which visits, consents and births have their days."""

from datetime import date

from django.utils import timezone


def clinic_today() -> date:
    """Return the day in the clinic's zone. A reader who set another zone sees clock times in theirs, but days do not move."""
    return timezone.localdate(timezone=timezone.get_default_timezone())
