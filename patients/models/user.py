"""The people who sign in."""

from __future__ import annotations

import zoneinfo
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

IDLE_MINUTES = 5, 30  # shorter drives people to shared passwords, longer leaves open screens
TOURS = "patients", "patient", "visit"  # pages that explain themselves at first use
FACTORS = Q(authenticator__type__in=["totp", "webauthn"])  # recovery codes only stand in for one of these


def validate_zone(name: str) -> None:
    """Raise ValidationError unless `name` is a time zone of the IANA database."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("“%(name)s” is not a time zone."), code="unknown_zone", params={"name": name})


class UserManager(BaseUserManager["User"]):
    """Makes users by email address."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """Return a new user. Without a password nobody can sign in until one is set by the invitation link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def with_factors(self) -> models.QuerySet[User]:
        """Return the users with what `has_factor` and the session hash ask of their second factors."""
        factors = {"factor_count": Count("authenticator", FACTORS), "newest_factor": Max("authenticator", filter=FACTORS)}
        return self.annotate(**factors)

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this address, in whatever case it was typed."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in. What they see follows from the role; who leads a care team stands in its memberships."""

    class Role(models.TextChoices):
        CLINICIAN = "clinician", _("Clinician")
        RESEARCHER = "researcher", _("Researcher")
        ADMINISTRATOR = "administrator", _("Administrator")

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the system")
        LIGHT = "light", pgettext_lazy("theme", "Light")
        DARK = "dark", _("Dark")

    email = models.EmailField(_("email"), unique=True)
    display_name = models.CharField(_("name"), max_length=100)
    role = models.CharField(_("role"), max_length=13, choices=Role.choices, default=Role.CLINICIAN)
    may_export = models.BooleanField(_("may carry data away"), default=False)
    may_erase = models.BooleanField(_("may have data erased"), default=False)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_zone])
    language = models.CharField(_("language"), max_length=2, blank=True, choices=settings.LANGUAGES)
    has_shortcuts = models.BooleanField(_("keyboard shortcuts of a single key"), default=True)
    tours_seen = models.JSONField(default=list, blank=True, editable=False)  # names of pages whose tour was taken or put away
    theme = models.CharField(_("theme"), max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    idle_minutes = models.PositiveSmallIntegerField(
        _("sign me out after minutes without activity"),
        default=15,
        validators=[MinValueValidator(IDLE_MINUTES[0]), MaxValueValidator(IDLE_MINUTES[1])],
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

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

    @property
    def is_clinician(self) -> bool:
        """Whether patients can be assigned to this user."""
        return self.role == self.Role.CLINICIAN

    @property
    def is_researcher(self) -> bool:
        """Whether this user works with numbers without names."""
        return self.role == self.Role.RESEARCHER

    @property
    def is_administrator(self) -> bool:
        """Whether this user looks after people, teams and the installation, and sees no patient."""
        return self.role == self.Role.ADMINISTRATOR

    @cached_property
    def has_open_break_glass(self) -> bool:
        """Whether an emergency access of theirs is open. Without a query when the session's user was fetched."""
        return self.break_glasses.open().exists()

    @cached_property
    def leads(self) -> bool:
        """Whether this user leads a care team."""
        return self.is_clinician and self.memberships.filter(is_lead=True).exists()

    @cached_property
    def factors(self) -> tuple[int, int]:
        """How many second factors, and the number of the newest. Without a query when the user was fetched `with_factors()`."""
        if "factor_count" not in self.__dict__:
            fetched = User.objects.with_factors().get(pk=self.pk)
            return fetched.factors
        return self.__dict__["factor_count"], self.__dict__["newest_factor"] or 0

    @property
    def has_factor(self) -> bool:
        """Whether a one-time code or a passkey is asked for at sign-in."""
        return self.factors[0] > 0

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what ties a session to this user: it ends when the password or a second factor changes."""
        count, newest = self.factors
        tied = f"{self.password}|{count}|{newest}"
        return salted_hmac("patients.User.session", tied, secret=secret, algorithm="sha256").hexdigest()

    def see_tour(self, name: str) -> None:
        """Show the tour of a page no more; all tours for "all", and every tour anew for "again"."""
        if name == "again":
            self.tours_seen = []
        elif name == "all":
            self.tours_seen = list(TOURS)
        elif name in TOURS and name not in self.tours_seen:
            self.tours_seen = [*self.tours_seen, name]
        self.save(update_fields=["tours_seen"])

    @property
    def initials(self) -> str:
        """Return one or two capital letters."""
        parts = [part for part in self.display_name.split() if part[0].isalpha() and not part.endswith(".")]
        return "".join(part[0] for part in [*parts[:1], *parts[1:][-1:]]).upper() or self.email[0].upper()
