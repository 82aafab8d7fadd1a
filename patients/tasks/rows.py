"""The rows of the page Tasks: tasks, and the long work that has tables of its own: imports, re-analysis and erasures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from inference.models import Prediction
from patients.models import ErasureRequest, Import, ImportFailure, Patient, Photo, Task, User
from patients.models.formats import clock, day, decimal, short_day
from patients.models.patient import cared_for
from patients.models.task import LISTED_FOR
from patients.tasks.kind import Words
from patients.tasks.kinds import KINDS

State = Task.State
ESTIMATED_FROM = 0.1
"""Before a tenth is done, the rest of the time is a guess."""
REASONS: dict[str, tuple[Words, Words]] = {
    "fault": (gettext_lazy("Something failed on our side."), gettext_lazy("Retry; if it fails again, tell your administrator.")),
    "timed_out": (gettext_lazy("It took longer than %(minutes)s minutes."), gettext_lazy("Nothing was kept. Choose less at once.")),
    "worker_lost": (
        gettext_lazy("It was interrupted %(n)s times."),
        gettext_lazy("Nothing was kept. Retry; if it fails again, tell your administrator."),
    ),
    "not_allowed": (
        gettext_lazy("You no longer have the permission that it needs."),
        gettext_lazy("Nothing was kept."),
    ),
    "erased": (gettext_lazy("Someone’s data were erased meanwhile."), gettext_lazy("Nothing was kept.")),
    "withdrawn": (
        gettext_lazy("Someone withdrew consent while it ran."),
        gettext_lazy("Nothing was kept; the next one is without them."),
    ),
}
"""What each reason means for every kind of task: what happened, and what helps. A kind may have more."""


@dataclass(frozen=True)
class Row:
    """One line of the page. `key` finds it again after the page has renewed itself, and `state` shows what has changed."""

    key: str
    icon: str
    title: str
    sub: str
    state: str = "running"  # or waiting, bad, done
    task: Task | None = None
    done: int | None = None  # a bar is drawn where `done` of `total` is known
    total: int | None = None
    words: str = ""  # beside or under the bar
    more: str = ""
    link: tuple[str, str] | None = None  # address and text
    may_act: bool = True  # it is the reader's own
    patients: tuple[UUID, ...] = ()  # whom it names

    @property
    def said(self) -> str:
        """Return what a screen reader is told once the row has come to this state."""
        forms = {
            "running": _("%(task)s has started."),
            "bad": _("%(task)s has failed."),
            "done": _("%(task)s is done."),
        }
        return forms[self.state] % {"task": self.title} if self.state in forms else ""


@dataclass
class Rows:
    """The three lists of the page."""

    running: list[Row] = field(default_factory=list)
    bad: list[Row] = field(default_factory=list)
    finished: list[Row] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to list."""
        return not (self.running or self.bad or self.finished)

    @property
    def is_running(self) -> bool:
        """Whether something may change without the reader."""
        return bool(self.running)

    @property
    def patients(self) -> set[UUID]:
        """Whom the lists name."""
        return {patient for row in (*self.running, *self.bad, *self.finished) for patient in row.patients}

    def add(self, rows: Iterable[Row]) -> None:
        """Put each row into its list."""
        for row in rows:
            (self.bad if row.state == "bad" else self.finished if row.state == "done" else self.running).append(row)


def task_rows(user: User, of_teams: bool = False) -> Rows:
    """Return the rows of the user's own work, or those of their teams."""
    rows = Rows()
    tasks = Task.objects.of_teams_of(user) if of_teams else Task.objects.filter(owner=user)
    since = timezone.now() - LISTED_FOR
    listed = tasks.filter(Q(state__in=Task.OPEN) | Q(finished_at__gte=since) | Q(state=State.FAILED, acknowledged_at=None))
    tasks = listed.exclude(state=State.CANCELLED).select_related("owner").prefetch_related("patients")
    named = {patient.pk for task in tasks for patient in task.patients.all()}
    seen = set(Patient.objects.sought_by(user).filter(pk__in=named).values_list("pk", flat=True))
    for task in tasks:
        # What is about someone whom the reader no longer sees is not named.
        is_named = task.kind in KINDS and not KINDS[task.kind].is_pseudonymous
        if task.kind in KINDS and (not is_named or all(patient.pk in seen for patient in task.patients.all())):
            patients = tuple(patient.pk for patient in task.patients.all()) if is_named else ()
            rows.add([replace(_task_row(task, user), patients=patients)])
    if user.is_clinician and not of_teams:
        rows.add(_import_rows(user, since))
        rows.add(_reading_rows(user))
        rows.add(_erasure_rows(user, since))
    return rows


def reason_of(task: Task) -> tuple[str, str]:
    """Return what happened to the task, and what helps."""
    what, then = KINDS[task.kind].reasons.get(task.reason) or REASONS.get(task.reason) or REASONS["fault"]
    return _filled(what, task), _filled(then, task)


def _filled(words: str | Promise, task: Task) -> str:
    text = str(words)
    return text % task.detail if "%(" in text and task.detail else text


def _task_row(task: Task, reader: User) -> Row:
    kind, own = KINDS[task.kind], task.owner_id == reader.pk
    who = _("by you") if own else _("by %(name)s") % {"name": task.owner.display_name}
    parts = [kind.about(task), _size(task) if task.size else "", _when(task), who]
    row = Row(str(task.pk), kind.icon, kind.title(task), " · ".join(filter(None, parts)), task=task, may_act=own)
    match task.state:
        case State.WAITING:
            return replace(row, state="waiting", words=_("Waiting for its turn"))
        case State.RUNNING:
            words = kind.counted(task.done, task.total) if kind.counted and task.total else ""
            return replace(row, state="running", done=task.done, total=task.total, words=words, more=_time_left(task))
        case State.FAILED:
            what, then = reason_of(task)
            is_new = task.acknowledged_at is None
            return replace(row, state="bad" if is_new and own else "done", words=what, more=then)
        case _:
            checksum = f"SHA-256 {task.sha256[:8]}…{task.sha256[-4:]}" if task.has_download else ""
            return replace(row, state="done", words=_kept(task), more=checksum)


def _when(task: Task) -> str:
    moment = task.finished_at or task.started_at or task.created_at
    facts = {"when": short_day(moment) if timezone.localdate(moment) != timezone.localdate() else _("today"), "time": clock(moment)}
    return (_("started %(when)s %(time)s") if task.is_open else "%(when)s %(time)s") % facts


def _kept(task: Task) -> str:
    if task.reason:
        return reason_of(task)[0]
    if not task.size:
        return _("Done")
    if not task.has_download or task.kept_until is None:
        return _("Deleted after 24 hours")
    return _("Kept until %(day)s, %(time)s") % {"day": short_day(task.kept_until), "time": clock(task.kept_until)}


def _size(task: Task) -> str:
    """Return the size as people say it: 96 kB, 2.4 MB."""
    if task.size < 1_000_000:
        return _("%(n)s kB") % {"n": max(1, round(task.size / 1000))}
    return _("%(n)s MB") % {"n": decimal(task.size / 1_000_000, 1)}


def _time_left(task: Task) -> str:
    """Return how long it will still take, once a tenth is done."""
    if not task.total or task.done < task.total * ESTIMATED_FROM or task.started_at is None or task.done >= task.total:
        return ""
    left = (timezone.now() - task.started_at) * (task.total - task.done) / task.done
    minutes = round(left / timedelta(minutes=1))
    if minutes < 1:
        return _("under a minute left")
    return ngettext("about %(n)d minute left", "about %(n)d minutes left", minutes) % {"n": minutes}


def _import_rows(user: User, since: datetime) -> list[Row]:
    """Return the user's imports: unfinished ones, those with failures, and those of the week, undone ones too."""
    own = Import.objects.sought_by(user).filter(created_by=user)
    unseen = ImportFailure.objects.filter(imported_in__in=own.filter(undone_at=None), acknowledged_at=None)
    failures = dict(unseen.values_list("imported_in").annotate(Count("pk")).order_by())
    listed = own.filter(Q(created_at__gte=since) | Q(pk__in=failures)).select_related("patient")
    photos = dict(Photo.objects.filter(imported_in__in=listed).values_list("imported_in").annotate(Count("pk")).order_by())
    return [_import_row(each, failures.get(each.pk, 0), photos.get(each.pk, 0)) for each in listed]


def _import_row(each: Import, failed: int, added: int) -> Row:
    """Return the row of an import of which `failed` files still ask for attention and `added` photos are there."""
    address = reverse("patients:show_import", args=[each.pk])
    count = ngettext("%(n)d photo", "%(n)d photos", each.asked) % {"n": each.asked}
    sub = f"{count} · {short_day(each.created_at)}, {clock(each.created_at)} · {_('by you')}"
    row = Row(str(each.pk), "upload", _("Import for %(name)s") % {"name": each.patient.name}, sub, link=(address, _("Open")))
    row = replace(row, patients=(each.patient_id,))
    if each.undone_at:
        words = _("Undone on %(day)s, %(time)s") % {"day": short_day(each.undone_at), "time": clock(each.undone_at)}
        return replace(row, state="done", words=words)
    if failed:
        text = ngettext("%(n)d of %(all)d could not be added.", "%(n)d of %(all)d could not be added.", failed)
        return replace(row, state="bad", words=text % {"n": failed, "all": each.asked}, link=(address, _("See what failed")))
    if each.finished_at is None:
        words = _("%(done)d of %(total)d photos added") % {"done": added, "total": each.asked}
        return replace(row, state="running", done=added, total=each.asked or None, words=words)
    words = ngettext("%(n)d photo added", "%(n)d photos added", added) % {"n": added}
    until = each.undone_until
    can = added and timezone.now() < until
    more = _("Can be undone until %(day)s, %(time)s") % {"day": short_day(until), "time": clock(until)} if can else ""
    return replace(row, state="done", words=words, more=more)


def _reading_rows(user: User) -> list[Row]:
    """Return one row for each patient in the user's care whose photos are being analysed, or wait for it."""
    waiting = Photo.objects.filter(cared_for(user, "visit__patient"), predictions__state__in=Prediction.UNFINISHED)
    counts = dict(waiting.values_list("visit__patient").annotate(n=Count("pk", distinct=True)).order_by())
    rows = []
    for patient in Patient.objects.filter(pk__in=counts):
        left = counts[patient.pk]
        rows.append(
            Row(
                key=f"reading-{patient.pk}",
                icon="retry",
                title=_("Analysis of photos of %(name)s") % {"name": patient.name},
                sub=_("after uploads and when photos are re-analysed"),
                state="running",
                words=ngettext("%(n)d photo to go", "%(n)d photos to go", left) % {"n": left},
                link=(reverse("patients:detail", args=[patient.pk]), _("Open")),
                patients=(patient.pk,),
            )
        )
    return rows


def _erasure_rows(user: User, since: datetime) -> list[Row]:
    """Return the erasures that the user asked for, and the open ones of patients in their care."""
    cared = cared_for(user, "patient") & Q(state__in=ErasureRequest.OPEN)
    found = ErasureRequest.objects.filter(cared | Q(asked_by=user, done_at__gte=since)).exclude(state=ErasureRequest.State.STOPPED)
    rows = []
    for each in found.select_related("patient", "asked_by").distinct():
        name = each.patient.record_number if each.patient else _("a record that is gone")
        asked = _("asked for by %(name)s on %(day)s") % {"name": each.asked_by.display_name, "day": day(each.asked_at)}
        title = _("Erasure of %(number)s") % {"number": name}
        row = Row(f"erasure-{each.pk}", "x", title, f"{each.get_level_display()} · {asked}")
        row = replace(row, patients=(each.patient_id,) if each.patient_id else ())
        if each.done_at:
            count = ngettext("%(n)d photo erased", "%(n)d photos erased", each.photos_erased) % {"n": each.photos_erased}
            rows.append(replace(row, state="done", words=count))
            continue
        if each.patient_id:
            row = replace(row, link=(reverse("patients:consents", args=[each.patient_id]), _("Open")))
        if each.state == ErasureRequest.State.RUNNING:
            rows.append(replace(row, state="running", words=_("Being carried out")))
        elif each.cause == ErasureRequest.Cause.WITHDRAWAL and each.due_at > timezone.now():
            text = _("Starts on %(day)s at %(time)s. Until then a new consent stops it.")
            rows.append(replace(row, state="waiting", words=text % {"day": day(each.due_at), "time": clock(each.due_at)}))
        else:
            rows.append(replace(row, state="waiting", words=_("Starts within a minute")))
    return rows
