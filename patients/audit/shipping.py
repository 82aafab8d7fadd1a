"""Sends every entry of the access log away as it is written, and keeps the head beside the database.

What is sent tells who did what, and of a patient only the pseudonym: no id of a visit or photo outlives an erasure elsewhere.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from patients.audit.head import Head
from patients.models.access import AccessLog, moment

log = logging.getLogger(__name__)

UNSENT = "access-log-unsent"
"""The cache's key of the first entry that could not be sent."""
WAIT_SECONDS = 2
PAUSE_SECONDS = 60
"""After a failure a process sends nothing for so long: requests must not wait for a receiver that is down."""
AUTHPRIV_INFO = 10 * 8 + 6  # facility and severity of syslog
PORTION_SECONDS = 10
PORTION = 500
NAMED_OBJECTS = ("user", "team", "study", "")
_paused_until = 0.0


@dataclass(frozen=True)
class Receiver:
    """Where entries go, as LOG_SHIP names it: file:PATH, unix:PATH, tcp:HOST:PORT, syslog:PATH or syslog:HOST:PORT."""

    kind: str
    place: str

    @classmethod
    def named(cls, text: str) -> Receiver | None:
        """Return the receiver; None for an empty text."""
        kind, _colon, place = text.partition(":")
        return cls(kind, place) if text else None

    def send(self, lines: Sequence[str]) -> None:
        """Send the lines, or raise OSError."""
        if self.kind == "syslog":
            self._send_to_syslog(lines)
            return
        data = "".join(f"{line}\n" for line in lines).encode()
        if self.kind == "file":
            handle = os.open(self.place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(handle, data)  # one call: lines of two processes do not mix
            finally:
                os.close(handle)
        elif self.kind == "unix":
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(WAIT_SECONDS)
                stream.connect(self.place)
                stream.sendall(data)
        else:
            with socket.create_connection(self._address(), timeout=WAIT_SECONDS) as stream:
                stream.sendall(data)

    def _address(self) -> tuple[str, int]:
        host, _colon, port = self.place.rpartition(":")
        return host, int(port)

    def _send_to_syslog(self, lines: Sequence[str]) -> None:
        """Send each line as a message of syslog (RFC 3164). Not by logging's SysLogHandler: it hides what fails."""
        is_here = self.place.startswith("/")
        with socket.socket(socket.AF_UNIX if is_here else socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(WAIT_SECONDS)
            datagrams.connect(self.place if is_here else self._address())
            for line in lines:
                datagrams.send(f"<{AUTHPRIV_INFO}>affectline: {line}".encode())


def line_of(entry: AccessLog) -> str:
    """Return the entry as one line of JSON. `seal` proves later that the stored entry is the one that was sent."""
    is_named = entry.object_kind in NAMED_OBJECTS
    facts = {
        "event": "affectline.access",
        "sequence": entry.sequence,
        "at": moment(entry.at),
        "action": entry.action,
        "account": entry.actor_id,
        "name": entry.actor_name,
        "patient": entry.patient,
        "object": entry.object_kind,
        "object_id": entry.object_id if is_named else "",
        "request": entry.request_id,
        "network": entry.network,
        "detail": {key: value for key, value in entry.detail.items() if key not in ("to_visit", "phone_pairing", "task")},
        "seal": entry.seal,
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def ship_after_commit(entries: Sequence[AccessLog]) -> None:
    """Send the entries and keep the head once they are stored for good. A failure is noted, and does not undo them."""
    if entries:
        transaction.on_commit(lambda: _ship(entries), robust=True)


def _ship(entries: Sequence[AccessLog]) -> None:
    keep_head(Head.of(entries[-1]))
    receiver = Receiver.named(settings.LOG_SHIP)
    if receiver is None:
        return
    global _paused_until
    try:
        if time.monotonic() < _paused_until:
            raise OSError("waiting after a failure")
        receiver.send([line_of(entry) for entry in entries])
    except (OSError, ValueError) as error:
        if time.monotonic() >= _paused_until:
            _paused_until = time.monotonic() + PAUSE_SECONDS
            log.error("Entries of the access log from %d on were not sent: %s", entries[0].sequence, error)
        _note_unsent(entries[0].sequence)


def _note_unsent(sequence: int) -> None:
    first = cache.get(UNSENT)
    if first is None or sequence < first:
        cache.set(UNSENT, sequence, timeout=None)


def first_unsent() -> int | None:
    """Return the number of the first entry that waits to be sent; None when none does."""
    found: int | None = cache.get(UNSENT)
    return found


@shared_task
def send_unsent() -> None:
    """Send again what could not be sent, in order, ten seconds at a time. A receiver may get an entry twice, by its number."""
    receiver, first = Receiver.named(settings.LOG_SHIP), first_unsent()
    if receiver is None or first is None:
        return
    until, reached = time.monotonic() + PORTION_SECONDS, first
    while time.monotonic() < until:
        entries = list(AccessLog.objects.filter(sequence__gte=reached).order_by("sequence")[:PORTION])
        if not entries:
            if first_unsent() == first:
                cache.delete(UNSENT)
            return
        receiver.send([line_of(entry) for entry in entries])
        reached = entries[-1].sequence + 1
    cache.set(UNSENT, reached, timeout=None)


@shared_task
def send_head() -> None:
    """Send the head by itself, so that the receiver notices when entries stop to arrive."""
    last = AccessLog.objects.order_by("-sequence").first()
    receiver = Receiver.named(settings.LOG_SHIP)
    if last and receiver:
        facts = {"event": "affectline.head", "sequence": last.sequence, "at": moment(last.at), "seal": last.seal}
        receiver.send([json.dumps(facts, separators=(",", ":"))])


def keep_head(head: Head) -> None:
    """Write the head into AUDIT_HEAD_FILE, unless a newer one is there. Someone who edits the database does not reach it."""
    path = Path(settings.AUDIT_HEAD_FILE)
    try:
        known = read_kept(path)
        if known is None or known.sequence < head.sequence:
            fresh = path.with_suffix(f".{os.getpid()}")
            fresh.write_text(head.as_json())
            fresh.replace(path)
    except OSError as error:
        log.warning("The head of the access log was not kept: %s", error)


def read_kept(path: Path) -> Head | None:
    """Return the head in the file; None without one. Raises OSError."""
    try:
        return Head.from_json(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def read_shipped(path: Path) -> Head | None:
    """Return the newest head or entry of a file of lines that were sent; None where it has none. Raises OSError."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 65_536))
        lines = file.read().decode(errors="replace").splitlines()
    found = []
    for line in lines:
        try:
            found.append(Head.from_json(line[line.index("{") :]))
        except ValueError:  # cut off at the start, or not ours
            continue
    return max(found, key=lambda head: head.sequence, default=None)


def kept_heads() -> list[Head]:
    """Return what is known outside the database: the kept head, and the last line of a file that LOG_SHIP names."""
    receiver = Receiver.named(settings.LOG_SHIP)
    heads = [read_kept(Path(settings.AUDIT_HEAD_FILE))]
    if receiver and receiver.kind == "file" and Path(receiver.place).exists():
        heads.append(read_shipped(Path(receiver.place)))
    return [head for head in heads if head is not None]
