"""The decoder's cage: what it may use, what its death means, and that the web process outlives and outnumbers it."""

import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pillow_heif
import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from PIL import Image

from ml.decode import apart
from ml.decode.confinement import MEMORY_BYTES
from patients.photos import decoding as sandbox
from patients.photos.codes import RejectedPhoto
from patients.photos.decoding import rebuild_apart
from tests.cohort import clear_portraits
from tests.factories import picture
from tests.hostile import jpegs
from tests.hostile.pngs import header, pixels, png

LARGEST = png(header(11_999, 3_333, colours=6), pixels(4 * 11_999, 3_333))  # 40 megapixels in 160 MB, from 160 kB
# Runs a command and tells its peak memory and processor seconds. It stands between, since a child inherits the peak of its parent.
MEASURED = """import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=sys.stdout, stdin=sys.stdin)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(done.returncode)"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the system call exists on Linux")


def confined(code: str, setup: str = "") -> str:
    """Return what `code` prints in a process as confined as the decoder's."""
    script = f"import os, socket, sys\n{setup}\nfrom ml.decode.confinement import *\nlimit_process()\nconfine_process()\n{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def refusal(source: bytes, kind: str = "JPEG") -> tuple[str, dict[str, object]]:
    """Return the code with which a file comes back, and its detail."""
    with pytest.raises(RejectedPhoto) as refused:
        rebuild_apart(source, kind)
    return refused.value.code, refused.value.detail


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a file to write a shell script into: it runs in the decoder's place."""
    script = tmp_path / "decoder"
    monkeypatch.setattr(sys, "executable", str(script))
    return script


def says(script: Path, text: str) -> None:
    """Make a decoder of a shell script."""
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/hostname')",
        "open('/tmp/never', 'w')",
        "socket.socket()",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "os.pipe()",
        "os.listdir('/')",
    ],
)
def test_decoder_can_open_nothing(attempt: str) -> None:
    assert "Too many open files" in confined(attempt)


@on_linux
@pytest.mark.parametrize("attempt", ["os.open('/etc/hostname', os.O_RDONLY)", "os.mkdir('/tmp/never')", "os.listdir('/')"])
def test_decoder_that_frees_a_handle_still_reaches_no_file(attempt: str) -> None:
    assert "Permission denied" in confined(f"os.close(0); {attempt}")


@on_linux
def test_decoder_that_frees_a_handle_still_reaches_no_network() -> None:
    code = "os.close(0); s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 9))"
    assert "unreachable" in confined(code)


@on_linux
def test_decoder_has_no_capability_in_any_namespace() -> None:
    told = confined("print(*(line for line in status if line.startswith('Cap')))", "status = open('/proc/self/status')")
    sets = dict(re.findall(r"(Cap\w+):\s*([0-9a-f]+)", told))
    assert {sets[name] for name in ("CapInh", "CapPrm", "CapEff")} == {"0" * 16}


@on_linux
def test_decoder_can_run_no_other_program() -> None:
    assert "Permission denied" in confined("os.execv('/bin/true', ['true'])")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_decoder_can_start_no_process() -> None:
    as_another_user = "import ml.decode.confinement\nos.setgroups([]); os.setgid(65534); os.setuid(65534)"
    assert "Resource temporarily unavailable" in confined("os.fork()", as_another_user)


def test_decoder_knows_none_of_our_secrets(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/where/python/is")
    says(decoder, f"env > {decoder.parent}/seen")
    refusal(picture())
    names = {line.split("=")[0] for line in (decoder.parent / "seen").read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"MALLOC_ARENA_MAX", "LD_LIBRARY_PATH"}


def test_largest_picture_stays_within_memory_and_time() -> None:
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "ml.decode", "PNG", str(settings.PHOTO_MAX_PIXELS)]
    process = subprocess.run(command, input=LARGEST, capture_output=True, check=True)
    answer = json.loads(process.stdout.partition(b"\n")[0])
    assert (answer["width"], answer["height"]) == (4096, 1138)
    peak, seconds = map(float, process.stderr.split())
    assert peak * (1 if sys.platform == "darwin" else 1024) < 0.7 * MEMORY_BYTES
    assert seconds < 10


def photo_of(width: int, height: int, file_format: str = "JPEG", **options: object) -> bytes:
    """Return a picture with the texture of a photo."""
    pillow_heif.register_heif_opener()
    with Image.open(clear_portraits()[0].path) as portrait:
        large = portrait.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    large.save(file, file_format, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("width", "height", "file_format", "options", "stored"),
    [
        (8064, 6048, "JPEG", {"quality": 90}, (4032, 3024)),
        (6120, 8160, "JPEG", {"quality": 90, "progressive": True}, (3060, 4080)),
        (12_032, 9_024, "JPEG", {"quality": 85}, (4096, 3072)),
        (16_320, 12_240, "JPEG", {"quality": 75}, (4080, 3060)),
        (8064, 6048, "HEIF", {"quality": 50, "enc_params": {"preset": "ultrafast"}}, (4096, 3072)),
        (8160, 6120, "PNG", {"compress_level": 1}, (4096, 3072)),
    ],
)
def test_photo_of_todays_phones_is_taken_within_memory_and_time(
    width: int, height: int, file_format: str, options: dict[str, object], stored: tuple[int, int]
) -> None:
    source = photo_of(width, height, file_format, **options)
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "ml.decode", file_format, str(settings.PHOTO_MAX_PIXELS)]
    process = subprocess.run(command, input=source, capture_output=True, check=True)
    answer = json.loads(process.stdout.partition(b"\n")[0])
    assert (answer["width"], answer["height"]) == stored
    peak, seconds = map(float, process.stderr.split())
    assert peak * (1 if sys.platform == "darwin" else 1024) < 0.7 * MEMORY_BYTES
    assert seconds < 10


def test_each_limit_has_a_sentence_of_its_own() -> None:
    def sentence(source: bytes, kind: str) -> str:
        with pytest.raises(RejectedPhoto) as refused, translation.override("en"):
            rebuild_apart(source, kind)
        return refused.value.message()

    assert sentence(png(header(12_001, 1_000), pixels(9, 1)), "PNG") == (
        "The picture is 12001 × 1000 pixels; no side can be longer than 12000 pixels. Crop it, or export a smaller version."
    )
    assert sentence(png(header(9_000, 9_000), pixels(9, 1)), "PNG") == (
        "The picture is 9000 × 9000 pixels; the limit for this format is 51 megapixels. Export a smaller version, or a JPEG."
    )
    assert "no side can be longer than 16384 pixels" in sentence(jpegs.sized(16_385, 1_000), "JPEG")
    assert "is 204 megapixels" in sentence(jpegs.sized(16_000, 16_000), "JPEG")


def test_decoder_that_needs_too_much_memory_says_so() -> None:
    limit = "import ml.decode.confinement as c; c.MEMORY_BYTES = 200_000_000"
    code = f"{limit}\nfrom ml.decode.__main__ import main; main(['PNG', '40000000'])"
    done = subprocess.run([sys.executable, "-c", code], input=LARGEST, capture_output=True, check=True)
    assert json.loads(done.stdout) == {"code": "decoder_crashed", "detail": {"error": "MemoryError"}}


def test_decoder_that_needs_too_much_time_is_ended_by_the_system() -> None:
    code = "import ml.decode.confinement as c; c.CPU_SECONDS = 1; c.limit_process()\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGXCPU


@pytest.mark.parametrize(
    ("script", "code", "detail"),
    [
        ("kill -SEGV $$", "decoder_crashed", {"status": -11}),
        ("kill -KILL $$", "decoder_crashed", {"status": -9}),  # as when the computer runs out of memory
        ("kill -XCPU $$", "decoder_timeout", {}),
        ("exit 3", "decoder_crashed", {"status": 3}),
        ("exit 0", "decoder_crashed", {"status": 0}),
        ("echo '<html>'", "decoder_crashed", {"status": 0}),
        ("echo '[]'", "decoder_crashed", {"status": 0}),
        ("echo '{}'", "decoder_crashed", {"status": 0}),
        ("""echo '{"code": "made_up", "detail": {}}'""", "decoder_crashed", {"status": 0}),
        ("""echo '{"code": ["unreadable"], "detail": {}}'""", "decoder_crashed", {"status": 0}),
        ("""echo '{"code": "too_many_pixels", "detail": {}}'""", "decoder_crashed", {"status": 0}),
        ("""echo '{"code": "unreadable", "detail": {"x": "<script>"}}'""", "unreadable", {}),
        ("""echo '{"width": 9, "height": 9, "taken_at": null, "image_bytes": 4, "preview_bytes": 4}'; echo '<svg><svg>'""",
         "decoder_crashed", {"status": 0}),
        ("""echo '{"width": 1e999, "height": 9, "taken_at": null, "image_bytes": 0, "preview_bytes": 0}'""",
         "decoder_crashed", {"status": 0}),
        ("printf '[%.0s' $(seq 100000)", "decoder_crashed", {"status": 0}),
        ("exec cat /dev/zero", "decoder_crashed", {"status": -9}),
        ("""printf '%02000d' 0; echo '{"code": "unreadable", "detail": {"error": "x"}}'""", "decoder_crashed", {"status": 0}),
    ],
)  # fmt: skip
def test_whatever_the_decoder_does_is_a_refusal(decoder: Path, script: str, code: str, detail: dict[str, object]) -> None:
    says(decoder, script)
    assert refusal(picture()) == (code, detail)


# The second is in no group that the end of the decoder could take along.
@pytest.mark.parametrize("child", ["sleep 40", pytest.param("setsid sleep 40", marks=on_linux)])
def test_child_of_the_decoder_delays_no_one(decoder: Path, monkeypatch: pytest.MonkeyPatch, child: str) -> None:
    monkeypatch.setattr(settings, "DECODE_TIMEOUT_SECONDS", 3)
    says(decoder, f"{child} & exit 0")  # it has the other end of the pipe
    started = time.monotonic()
    assert refusal(picture()) == ("decoder_timeout", {})
    assert time.monotonic() - started < 30


def test_decoder_that_never_ends_is_stopped(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DECODE_TIMEOUT_SECONDS", 3)  # a busy computer may take one to write the number
    says(decoder, f"echo $$ > {decoder.parent}/pid; exec sleep 60")
    started = time.monotonic()
    assert refusal(picture()) == ("decoder_timeout", {})
    assert time.monotonic() - started < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((decoder.parent / "pid").read_text()), 0)


def test_decoder_that_does_not_read_is_stopped(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DECODE_TIMEOUT_SECONDS", 0.5)
    says(decoder, "exec sleep 60")
    assert refusal(bytes(5_000_000)) == ("decoder_timeout", {})


def test_computer_without_room_for_a_decoder_is_busy(decoder: Path) -> None:
    assert not decoder.exists()
    assert refusal(picture()) == ("busy", {})


def test_no_failure_occupies_a_decoder_slot(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal(picture())  # cannot be started
    for script in ("exit 1", "kill -SEGV $$", "echo '{}'"):
        says(decoder, script)
        refusal(picture())
    monkeypatch.setattr(apart, "ask_decoder", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rebuild_apart(picture(), "JPEG")
    assert sandbox._slots._value == settings.DECODES_AT_ONCE
    assert sandbox._queue._value == settings.DECODES_AT_ONCE + 1


def test_one_upload_waits_for_a_decoder_slot_and_the_next_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on, inside = threading.Event(), threading.Semaphore(0)

    def hold(*_: object) -> bytes:
        inside.release()
        may_go_on.wait(60)
        return b'{"code": "unreadable", "detail": {}}'

    monkeypatch.setattr(apart, "ask_decoder", hold)
    with ThreadPoolExecutor() as pool:
        uploads = [pool.submit(refusal, picture()) for _ in range(settings.DECODES_AT_ONCE)]
        for _ in uploads:
            assert inside.acquire(timeout=60)
        uploads.append(pool.submit(refusal, picture()))
        while sandbox._queue._value:
            time.sleep(0.01)
        assert refusal(picture()) == ("busy", {})
        may_go_on.set()
        assert [upload.result()[0] for upload in uploads] == ["unreadable"] * 3


def test_web_process_answers_and_stays_small_while_bombs_are_opened(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(settings, "DECODE_TIMEOUT_SECONDS", 120)  # other work may have the cores
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ThreadPoolExecutor(2) as pool:
        uploads = [pool.submit(rebuild_apart, LARGEST, "PNG") for _ in range(2)]
        answers = 0
        while not all(upload.done() for upload in uploads):
            assert client.get("/healthz").status_code == 200
            answers += 1
            time.sleep(0.02)
        assert {upload.result().width for upload in uploads} == {4096}
    assert answers > 5
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024)
    assert grown_bytes < 60_000_000
