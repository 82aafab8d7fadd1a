"""User accounts."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

IDLE_MINUTES = 5, 30  # a shorter limit leads to shared passwords, a longer one to unattended open screens
TIMELINE_ROWS = "photos", "labels", "mood", "phq9", "gad7", "event", "separate"  # what each person can switch on and off
FACTORS = Q(authenticator__type__in=["totp", "webauthn"])  # a recovery code only replaces one of these


def validate_zone(name: str) -> None:
    """Raise ValidationError unless `name` is a time zone of the IANA database."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone."), code="unknown_zone", params={"name": name})


class UserManager(BaseUserManager["User"]):
    """Creates and finds users by email address."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """Return a new, saved user. Without a password, they cannot sign in until they set one by the invitation link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def with_factors(self) -> models.QuerySet[User]:
        """Return the users with the columns that `factors` reads: no further query for `has_factor` or the session hash."""
        factors = {"factor_count": Count("authenticator", FACTORS), "newest_factor": Max("authenticator", filter=FACTORS)}
        return self.annotate(**factors)

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this address, whatever its case. Raises User.DoesNotExist."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can sign in. The role decides what they see; memberships say which care teams they lead."""

    class Role(models.TextChoices):
        CLINICIAN = "clinician", _("Clinician")
        RESEARCHER = "researcher", _("Researcher")
        ADMINISTRATOR = "administrator", _("Administrator")

    class Theme(models.TextChoices):
        SYSTEM = "system", _("Same as system")
        LIGHT = "light", pgettext_lazy("theme", "Light")
        DARK = "dark", _("Dark")

    email = models.EmailField(_("e-mail"), unique=True)
    display_name = models.CharField(_("name"), max_length=100)
    role = models.CharField(_("role"), max_length=13, choices=Role.choices, default=Role.CLINICIAN)
    may_export = models.BooleanField(_("may export data"), default=False)
    may_erase = models.BooleanField(_("may erase data"), default=False)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_zone])
    language = models.CharField(_("language"), max_length=2, blank=True, choices=settings.LANGUAGES)
    has_shortcuts = models.BooleanField(_("single-key keyboard shortcuts"), default=True)
    tours_seen = models.JSONField(default=list, blank=True, editable=False)  # empty until the tour was taken or skipped
    timeline_rows = models.JSONField(default=dict, blank=True, editable=False)  # what the timeline shows: a bool by row
    theme = models.CharField(_("theme"), max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    idle_minutes = models.PositiveSmallIntegerField(
        _("sign me out after minutes of inactivity"),
        default=15,
        validators=[MinValueValidator(IDLE_MINUTES[0]), MaxValueValidator(IDLE_MINUTES[1])],
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    # Set for a request of the API: emergency access is for someone at the bedside, on the pages.
    is_program = False

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(idle_minutes__gte=IDLE_MINUTES[0], idle_minutes__lte=IDLE_MINUTES[1]), name="idle_limit_in_range"
            )
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own signature
        """Save the account. A new password ends the API keys: someone who knew the old one may have made them."""
        # Django keeps the raw password until it is saved; a hash that is only renewed at sign-in leaves none.
        is_new_password = self.pk is not None and self.__dict__.get("_password") is not None
        super().save(*args, **kwargs)
        if is_new_password:
            self.api_tokens.open().update(revoked_at=timezone.now())

    @property
    def is_clinician(self) -> bool:
        """Whether patients can be assigned to this user."""
        return self.role == self.Role.CLINICIAN

    @property
    def is_researcher(self) -> bool:
        """Whether this user sees numbers without names."""
        return self.role == self.Role.RESEARCHER

    @property
    def is_administrator(self) -> bool:
        """Whether this user manages users, teams and the installation, and sees no patient."""
        return self.role == self.Role.ADMINISTRATOR

    @cached_property
    def emergency_until(self) -> datetime | None:
        """When the last of their emergency accesses ends or ended. Needs no query for the session's user."""
        last = self.break_glasses.order_by("ends_at").last()
        return last.ends_at if last else None

    @property
    def has_open_break_glass(self) -> bool:
        """Whether an emergency access of theirs is open. A program has none."""
        return not self.is_program and self.emergency_until is not None and self.emergency_until > timezone.now()

    @cached_property
    def leads(self) -> bool:
        """Whether this user leads a care team."""
        return self.is_clinician and self.memberships.filter(is_lead=True).exists()

    @cached_property
    def open_tasks(self) -> int:
        """How many of their tasks wait or run. Needs no query for the session's user."""
        return self.tasks.open().count()

    @cached_property
    def unread_notices(self) -> int:
        """How many notices they have not marked as read. Needs no query for the session's user."""
        return self.notices.unread().count()

    @cached_property
    def factors(self) -> tuple[int, int]:
        """The number of second factors, and the id of the newest or 0. Needs no query after `with_factors()`."""
        if "factor_count" not in self.__dict__:
            fetched = User.objects.with_factors().get(pk=self.pk)
            return fetched.factors
        return self.__dict__["factor_count"], self.__dict__["newest_factor"] or 0

    @property
    def has_factor(self) -> bool:
        """Whether a one-time code or a passkey is asked for at sign-in."""
        return self.factors[0] > 0

    @property
    def is_invited(self) -> bool:
        """Whether they may sign in and never did, nor set a password yet."""
        return self.is_active and self.last_login is None and not self.has_usable_password()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return the hash that a session stores: it changes with the password or a second factor, which ends the session."""
        count, newest = self.factors
        tied = f"{self.password}|{count}|{newest}"
        return salted_hmac("patients.User.session", tied, secret=secret, algorithm="sha256").hexdigest()

    def see_tour(self, is_seen: bool) -> None:
        """Note that the tour was taken or skipped, or that it is to come again."""
        self.tours_seen = ["patients"] if is_seen else []
        self.save(update_fields=["tours_seen"])

    def show_in_timeline(self, row: str, is_shown: bool) -> None:
        """Store whether the timeline shows `row`, on every patient. Rows that do not exist are not stored."""
        if row not in TIMELINE_ROWS:
            return
        with transaction.atomic():  # two boxes ticked in a row must not undo each other
            stored = User.objects.select_for_update().values_list("timeline_rows", flat=True).get(pk=self.pk)
            self.timeline_rows = {**stored, row: is_shown}
            self.save(update_fields=["timeline_rows"])

    @property
    def initials(self) -> str:
        """One or two capital letters for the user."""
        parts = [part for part in self.display_name.split() if part[0].isalpha() and not part.endswith(".")]
        return "".join(part[0] for part in [*parts[:1], *parts[1:][-1:]]).upper() or self.email[0].upper()
