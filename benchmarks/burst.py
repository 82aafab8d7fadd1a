"""What happens when many clinicians upload photos of 12 megapixels at once, while others look at pages. Prints one JSON line.

    python -m benchmarks.burst [--clinicians 20] [--photos 10] [--readers 5] [--production]

It starts an installation of its own by the real command, with the embedded engines or, with `--production`, PostgreSQL, Redis,
gunicorn with four processes and two workers for photos. Each clinician sends as the page does: three photos at a time, one at a
time after the answer that too many arrive, again by itself after a growing wait; each card of an accepted photo asks for its state.
`readers` others open pages meanwhile. The clients take a share of the same cores.

    accepted_first_try   photos that the first request brought in
    refused              photos that were given up
    upload_p95_ms        from the first byte to the answer, of requests that brought a photo in
    wait_p95_s           from the moment a photo's first request began until it was in, waits and further requests included
    page_p50_ms, page_p95_ms, page_max_ms  of the pages that the others opened until the last photo was read
    all_read_s           from the first request until every accepted photo is final
    lost, doubled        photos that were accepted and are not there; stored or read twice
    unread               photos that were not final when the measurement gave up, after eight minutes
    rss_mb               most memory of all processes together, pages they share counted in each
"""

import argparse
import contextlib
import http.client
import io
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

import tests.environment  # noqa: F401  # keys for the settings that the forms are encoded by
from clinic.serve import HOST, free_port, page_answers
from clinic.supervisor import Part, Supervisor
from tests.cohort import clear_portraits
from tests.engines.brokers import Broker
from tests.engines.installation import PROJECT, Installation, eventually
from tests.engines.postgres import postgres

SIDES_PX = (3000, 4000)
AT_ONCE = 3  # static/js/upload.js
FIRST_POLL_SECONDS, POLL_GROWTH, LONGEST_POLL_SECONDS = 0.3, 1.5, 10.0  # static/js/polling.js
GIVE_UP_SECONDS = 900.0  # static/js/send-again.js
PATIENCE_SECONDS = 480.0
CSRF = "c" * 32

CAST = """
import json
from datetime import date
from django.test import Client
from patients.models import Assignment, Consent, Patient, User, Visit
from patients.models.patient import record_number_hash
rows = []
for n in range({people}):
    user = User.objects.create_user(f"burst{{n}}@clinic.example", display_name=f"Clinician {{n}}")
    number = f"BURST-{{n}}"
    facts = {{"record_number_hash": record_number_hash(number), "birth_date": date(1980, 1, 1)}}
    patient = Patient.objects.create(name=f"Patient {{n}}", record_number=number, **facts)
    Assignment.objects.create(patient=patient, clinician=user)
    Consent.objects.create(patient=patient, purpose="care", given_on=date.today(), recorded_by=user)
    visit = Visit.objects.create(patient=patient, date=date.today(), created_by=user)
    client = Client()
    client.force_login(user)
    rows.append([client.cookies["session"].value, str(patient.pk), str(visit.pk)])
print(json.dumps(rows))
"""
STATE = """
import json
from collections import Counter
from inference.models import Prediction
from patients.models import Photo
mine = Prediction.objects.filter(photo__uploaded_by__email__startswith="burst")
photos = Photo.objects.filter(uploaded_by__email__startswith="burst")
twice = photos.count() - photos.values("visit", "fingerprint").distinct().count()
print(json.dumps([photos.count(), mine.unfinished().count(), twice + mine.filter(attempts__gt=1).count()]))
"""


@dataclass
class Person:
    """Someone who is signed in: their cookie, their patient and a visit."""

    address: str
    session: str
    patient: str
    visit: str

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, float, bytes, str | None]:
        """Return status, seconds, body and Retry-After of an answer."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=120)
        headers = {"Cookie": f"session={self.session}; csrf={CSRF}", "Accept": "application/json" if body else "text/html"}
        if body:
            headers["Content-Type"] = MULTIPART_CONTENT
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        return answer.status, time.monotonic() - began, content, answer.headers["Retry-After"]


@dataclass
class Figures:
    """What all clients measured; lists are appended to by their threads."""

    first_tries: int = 0
    accepted: int = 0
    requests: int = 0
    refusals: list[str] = field(default_factory=list)
    uploads: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class UploadingPage:
    """The page of a visit that sends photos, as static/js/upload.js does."""

    def __init__(self, person: Person, photos: list[bytes], figures: Figures, over: threading.Event) -> None:
        self.person, self.figures, self.over = person, figures, over
        # (photo, when its first request began, how often it was sent)
        self.waiting: deque[tuple[bytes, float, int]] = deque((photo, 0.0, 0) for photo in photos)
        self.allowed, self.running, self.paused_until, self.tries = AT_ONCE, 0, 0.0, 0
        self.changed = threading.Condition()
        self.cards: list[tuple[str, float, float]] = []  # path, seconds to wait, when to ask next

    def start(self) -> list[threading.Thread]:
        """Start the threads that send and ask; return those that send."""
        senders = [threading.Thread(target=self._send_all) for _ in range(AT_ONCE)]
        for thread in senders:
            thread.start()
        threading.Thread(target=self._poll, daemon=True).start()
        return senders

    def _next(self) -> tuple[bytes, float, int] | None:
        with self.changed:
            while self.waiting or self.running:
                pause = self.paused_until - time.monotonic()
                if self.waiting and self.running < self.allowed and pause <= 0:
                    self.running += 1
                    return self.waiting.popleft()
                self.changed.wait(min(0.1, pause) if pause > 0 else 0.1)
        return None

    def _send_all(self) -> None:
        while job := self._next():
            photo, began, tries = job
            began = began or time.monotonic()
            try:
                status, seconds, content, after = self.person.request("POST", f"/visits/{self.person.visit}/photos/", photo)
            except OSError as fault:
                status, seconds, content, after = 0, 0.0, str(fault).encode(), None
            with self.changed:
                self.running -= 1
                self._judge(photo, began, tries, status, seconds, content, after)
                self.changed.notify_all()

    def _judge(
        self, photo: bytes, began: float, tries: int, status: int, seconds: float, content: bytes, after: str | None
    ) -> None:
        with self.figures.lock:
            self.figures.requests += 1
            if status == HTTPStatus.CREATED:
                self.allowed, self.tries = min(AT_ONCE, self.allowed + 1), 0
                self.figures.accepted += 1
                self.figures.first_tries += tries == 0
                self.figures.uploads.append(seconds)
                self.figures.waits.append(time.monotonic() - began)
                path = f"/photos/{json.loads(content)['photo']}/card/?state=waiting"
                self.cards.append((path, FIRST_POLL_SECONDS, time.monotonic() + FIRST_POLL_SECONDS))
            elif after and time.monotonic() - began < GIVE_UP_SECONDS:
                if time.monotonic() >= self.paused_until:  # one pause for photos that are refused together
                    self.tries += 1
                    self.allowed = 1
                    self.paused_until = time.monotonic() + pause_seconds(float(after), self.tries)
                self.waiting.appendleft((photo, began, tries + 1))
            else:
                self.figures.refusals.append(f"{status} {content[:80]!r}")

    def _poll(self) -> None:
        while not self.over.is_set():
            now = time.monotonic()
            for card in [each for each in self.cards if each[2] <= now]:
                self.cards.remove(card)
                with contextlib.suppress(OSError):
                    status, _seconds, _content, _after = self.person.request("GET", card[0])
                    if status == HTTPStatus.OK:  # it has changed; a card that is being read asks on for at most two seconds
                        continue
                longest = max(LONGEST_POLL_SECONDS, 0.06 * len(self.cards))
                pause = min(card[1] * POLL_GROWTH, longest)
                self.cards.append((card[0], pause, time.monotonic() + pause))
            time.sleep(0.05)


def pause_seconds(after: float, tries: int) -> float:
    """Return how long the page waits before it sends again, as static/js/send-again.js does."""
    return min(after * 1.5 ** (tries - 1), 10.0) * random.uniform(0.5, 1.5)  # nosec B311  # spreads requests


def read_pages(person: Person, figures: Figures, over: threading.Event) -> None:
    """Open one page after the other, a second apart."""
    while not over.is_set():
        for path in ("/patients/", f"/patients/{person.patient}/", f"/visits/{person.visit}/"):
            try:
                status, seconds, _content, _after = person.request("GET", path)
                figures.pages.append(seconds)
                if status != HTTPStatus.OK:
                    figures.faults.append(f"{path} {status}")
            except OSError as fault:
                figures.faults.append(f"{path} {fault}")
            over.wait(1.0)


def camera_photos(count: int) -> list[bytes]:
    """Return JPEG files of 12 megapixels, all different, of six people."""
    pictures = []
    for portrait in clear_portraits()[:6]:
        out = io.BytesIO()
        with Image.open(portrait.path) as picture:
            large = picture.convert("RGB").resize(SIDES_PX, Image.Resampling.BICUBIC)
        noise = Image.effect_noise(SIDES_PX, 40).convert("RGB")  # a sensor's: without it the file is a tenth of a camera's
        Image.blend(large, noise, 0.15).save(out, "JPEG", quality=92)
        pictures.append(out.getvalue())
    photos = []
    for number in range(count):
        jpeg, comment = pictures[number % len(pictures)], f"photo {number:06}".encode()
        # A comment after the first marker makes it another file, of the same pixels.
        photos.append(jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:])
    return photos


def bodies(count: int) -> list[bytes]:
    """Return requests with one photo of 12 megapixels each."""
    made = []
    for number, photo in enumerate(camera_photos(count)):
        upload = SimpleUploadedFile(f"{number}.jpg", photo, "image/jpeg")
        fields = {"csrfmiddlewaretoken": CSRF, "keep_duplicate": "1", "photos": upload}
        made.append(bytes(encode_multipart(BOUNDARY, fields)))
    return made


def resident_mb(installation: Installation) -> float:
    """Return the resident memory of all processes of the installation, in MB."""
    total = 0
    for pid in installation.processes():
        with contextlib.suppress(OSError):
            total += int((Path("/proc") / str(pid) / "statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def embedded(folder: Path, settings: dict[str, str]) -> Iterator[Installation]:
    """Yield an installation as `make run` starts it."""
    installation = Installation(folder / "var", **settings)
    try:
        installation.start()
        yield installation
    finally:
        installation.stop()


@contextlib.contextmanager
def production(folder: Path, settings: dict[str, str]) -> Iterator[Installation]:
    """Yield an installation on PostgreSQL and Redis, with the processes of deploy/systemd on one host."""
    broker = Broker("redis", folder / "redis")
    broker.start()
    try:
        with postgres() as database_url:
            engines = {"DATABASE_URL": database_url, "REDIS_URL": broker.url}
            with embedded(folder, settings | engines) as installation, more_processes(folder, installation):
                yield installation
    finally:
        broker.stop()


@contextlib.contextmanager
def more_processes(folder: Path, installation: Installation) -> Iterator[None]:
    """Add a web server with four processes, to which all requests go, and a second worker for photos."""
    port = free_port()
    web = ("gunicorn", "clinic.wsgi:application", "--bind", f"{HOST}:{port}", "--workers", "4", "--worker-class", "gthread")
    worker = ("celery", "--app", "clinic", "worker", "--concurrency", "1", "--exclude-queues", "tasks", "--hostname", "second@%h")
    supervisor = Supervisor(folder / "more", installation.environment | {"HTTPS": "0", "DEMO": "1"}, PROJECT)
    try:
        supervisor.start(Part("web", (sys.executable, "-m", *web, "--threads", "8", "--no-control-socket")))
        supervisor.start(Part("worker", (sys.executable, "-m", *worker, "--without-gossip", "--without-mingle"), nice=5))
        eventually(lambda: page_answers(port), "the second web server answers")
        installation.address = f"http://{HOST}:{port}"
        yield
    finally:
        supervisor.stop()


def measure(installation: Installation, clinicians: int, photos: int, readers: int) -> dict[str, Any]:  # Any: JSON
    """Return the figures of one burst."""
    eventually(installation.has_its_demo, "the demo's photos are there")
    rows = json.loads(installation.run(CAST.format(people=clinicians + readers)))
    people = [Person(installation.address, *row) for row in rows]
    sent = bodies(clinicians * photos)
    eventually(lambda: "[0" in installation.run(IDLE), "the demo's photos are read")
    figures, over = Figures(), threading.Event()
    pages = [UploadingPage(people[n], sent[n * photos : (n + 1) * photos], figures, over) for n in range(clinicians)]
    lookers = [threading.Thread(target=read_pages, args=(person, figures, over)) for person in people[clinicians:]]
    began, memory = time.monotonic(), 0.0
    for looker in lookers:
        looker.start()
    senders = [sender for page in pages for sender in page.start()]
    stored, unread, doubled = 0, 1, 0
    while time.monotonic() - began < PATIENCE_SECONDS:
        memory = max(memory, resident_mb(installation))
        if not any(sender.is_alive() for sender in senders):
            stored, unread, doubled = json.loads(installation.run(STATE))
            if not unread:
                break
        time.sleep(0.5)
    seconds = time.monotonic() - began
    over.set()
    for thread in (*senders, *lookers):
        thread.join(130)
    return told(figures, seconds) | {
        "lost": figures.accepted - stored,
        "unread": unread,
        "doubled": doubled,
        "rss_mb": round(memory),
    }


IDLE = "from inference.models import Prediction\nprint([Prediction.objects.unfinished().count()])"


def share(values: list[float], percent: int) -> float:
    """Return the value below which `percent` of the values are; 0 of none."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else sum(values)


def told(figures: Figures, seconds: float) -> dict[str, Any]:  # Any: JSON
    """Return what the clients measured."""
    if figures.faults or figures.refusals:
        print(*figures.faults[:5], *figures.refusals[:5], sep="\n", file=sys.stderr)
    return {
        "accepted_first_try": figures.first_tries,
        "refused": len(figures.refusals),
        "requests": figures.requests,
        "upload_p95_ms": round(1000 * share(figures.uploads, 95)),
        "wait_p95_s": round(share(figures.waits, 95), 1),
        "pages": len(figures.pages),
        "page_faults": len(figures.faults),
        "page_p50_ms": round(1000 * share(figures.pages, 50)),
        "page_p95_ms": round(1000 * share(figures.pages, 95)),
        "page_max_ms": round(1000 * max(figures.pages, default=0.0)),
        "all_read_s": round(seconds, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=__doc__.splitlines()[0])
    parser.add_argument("--clinicians", type=int, default=20)
    parser.add_argument("--photos", type=int, default=10)
    parser.add_argument("--readers", type=int, default=5, help="others who look at pages meanwhile")
    parser.add_argument("--production", action="store_true", help="PostgreSQL, Redis, four web processes, two workers")
    options = parser.parse_args()
    engines = production if options.production else embedded
    with tempfile.TemporaryDirectory() as name, engines(Path(name), {"DEMO_VISITS": "1"}) as installation:
        print(json.dumps(measure(installation, options.clinicians, options.photos, options.readers)))


if __name__ == "__main__":
    main()
