"""The decoder as a web process uses it: what it may use, what its death means, and that the web process outlives it."""

import contextlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pillow_heif
import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from PIL import Image

from inference import health
from ml.decode import apart, children
from ml.decode.confinement import LAYERS, MEMORY_BYTES
from patients.photos import decoding as sandbox
from patients.photos.codes import RejectedPhoto
from patients.photos.decoder_places import place
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


def refusal(source: bytes, kind: str = "JPEG") -> tuple[str, dict[str, object]]:
    """Return the code with which a file comes back, and its detail."""
    with pytest.raises(RejectedPhoto) as refused:
        rebuild_apart(source, kind)
    return refused.value.code, refused.value.detail


# The parent of all decoders, whose children run a shell script.
STAND_IN = "import os\nfrom ml.decode import parent\nparent.rebuild_input = lambda *_: os.execv({0!r}, [{0!r}])\n{1}\nparent.main()"


def put_in_place(monkeypatch: pytest.MonkeyPatch, script: Path, more: str = "") -> None:
    """Let decoders be forked from a parent whose children run `script`; `more` is code of that parent."""
    monkeypatch.setattr(children, "COMMAND", [sys.executable, "-c", STAND_IN.format(str(script), more)])
    children.end_parent()


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Return a file to write a shell script into: it runs in the decoder's place."""
    put_in_place(monkeypatch, tmp_path / "decoder")
    yield tmp_path / "decoder"
    children.end_parent()


def says(script: Path, text: str) -> None:
    """Make a decoder of a shell script."""
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(stat.S_IRWXU)


def test_decoder_knows_none_of_our_secrets(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/where/python/is")
    says(decoder, f"env > {decoder.parent}/seen")
    refusal(picture())
    names = {line.split("=")[0] for line in (decoder.parent / "seen").read_text().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"} == {"MALLOC_ARENA_MAX", "LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS"}


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


@pytest.mark.slow("opens photos of 50 megapixels")
@pytest.mark.parametrize(
    ("width", "height", "file_format", "options", "stored"),
    [
        (8064, 6048, "JPEG", {"quality": 90}, (4032, 3024)),
        pytest.param(6120, 8160, "JPEG", {"quality": 90, "progressive": True}, (3060, 4080), marks=pytest.mark.full),
        pytest.param(12_032, 9_024, "JPEG", {"quality": 85}, (4096, 3072), marks=pytest.mark.full),
        pytest.param(16_320, 12_240, "JPEG", {"quality": 75}, (4080, 3060), marks=pytest.mark.full),
        (8064, 6048, "HEIF", {"quality": 50, "enc_params": {"preset": "ultrafast"}}, (4096, 3072)),
        pytest.param(8160, 6120, "PNG", {"compress_level": 1}, (4096, 3072), marks=pytest.mark.full),
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


# The second is in no group that the end of the decoder could take along, and has the other end of the pipe.
@pytest.mark.parametrize(
    ("child", "code"),
    [("sleep 40", "decoder_crashed"), pytest.param("setsid sleep 40", "decoder_timeout", marks=on_linux)],
)
def test_child_of_the_decoder_delays_no_one(decoder: Path, monkeypatch: pytest.MonkeyPatch, child: str, code: str) -> None:
    monkeypatch.setattr(settings, "DECODE_TIMEOUT_SECONDS", 3)
    says(decoder, f"{child} & sleep 0.5; exit 0")
    started = time.monotonic()
    assert refusal(picture())[0] == code
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


def test_computer_without_room_for_a_decoder_is_busy(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "COMMAND", [str(decoder)])  # there is no such file
    assert refusal(picture()) == ("busy", {})
    put_in_place(monkeypatch, decoder, "def fork(): raise BlockingIOError\nos.fork = fork")
    assert refusal(picture()) == ("busy", {})


@on_linux
def test_decoder_has_nothing_open_but_its_pipes(decoder: Path) -> None:
    says(decoder, f"ls /proc/self/fd > {decoder.parent}/open")
    refusal(picture())
    assert (decoder.parent / "open").read_text().split() == ["0", "1", "2", "3"]  # the last is the folder that ls lists


def test_photo_is_opened_after_the_parent_of_decoders_was_killed() -> None:
    assert rebuild_apart(picture(), "JPEG").width == 64
    children._parents[0].process.kill()
    children._parents[0].process.wait()
    assert rebuild_apart(picture(), "JPEG").width == 64


def test_process_that_was_forked_has_decoders_of_its_own() -> None:
    assert rebuild_apart(picture(), "JPEG").width == 64
    ours = children._parents[0].process.pid
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            photo = apart.rebuild_apart(picture(), "JPEG")
            os._exit(photo.width if children._parents[0].process.pid != ours else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 64
    assert rebuild_apart(picture(), "JPEG").width == 64
    assert children._parents[0].process.pid == ours


@on_linux
def test_parent_of_decoders_ends_with_the_process_that_uses_it() -> None:
    code = """import os, sys
from ml.decode import apart, children
apart.rebuild_apart(sys.stdin.buffer.read(), "JPEG")
print(children._parents[0].process.pid, flush=True)
os._exit(0)"""
    done = subprocess.run([sys.executable, "-c", code], input=picture(), capture_output=True, check=True)
    parent, give_up_at = Path(f"/proc/{int(done.stdout)}"), time.monotonic() + 30
    while parent.exists() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    assert not parent.exists()


def lacking(monkeypatch: pytest.MonkeyPatch, layer: str) -> None:
    """Fork decoders from a parent as on a system without a layer."""
    code = f"from ml.decode import confinement, parent\nconfinement.LAYERS[{layer!r}] = lambda *_: False\nparent.main()"
    monkeypatch.setattr(children, "COMMAND", [sys.executable, "-c", code])
    children.end_parent()


@pytest.fixture
def _own_parent() -> Iterator[None]:
    """Let the next test have decoders of the real parent again."""
    yield
    children.end_parent()


@pytest.mark.usefixtures("_own_parent")
@pytest.mark.parametrize("layer", LAYERS)
def test_photo_is_refused_where_a_layer_is_missing_unless_the_settings_accept_it(
    monkeypatch: pytest.MonkeyPatch, layer: str
) -> None:
    lacking(monkeypatch, layer)
    assert apart.missing_layers() == {layer}
    assert refusal(picture()) == ("not_confined", {})
    monkeypatch.setattr(settings, "DECODER_LAYERS", frozenset(LAYERS) - {layer})
    assert rebuild_apart(picture(), "JPEG").width == 64


@pytest.mark.usefixtures("_own_parent")
def test_log_says_at_the_start_how_photos_are_opened(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for layer in (None, "landlock"):
        health.layers.cache_clear()
        if layer:
            lacking(monkeypatch, layer)
        sandbox.report_layers()
    monkeypatch.setattr(settings, "DECODER_LAYERS", frozenset())
    sandbox.report_layers()
    health.layers.cache_clear()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "Decoders are confined by namespace, capabilities, landlock, limits, seccomp"),
        ("ERROR", "Decoders lack landlock: no upload is opened (DECODER_MAY_LACK)"),
        ("WARNING", "Decoders lack landlock, which the settings accept"),
    ]


def test_no_failure_occupies_a_place_or_a_thread(decoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as nothing:
        nothing.setattr(children, "COMMAND", [str(decoder)])  # cannot be started
        refusal(picture())
    for script in ("exit 1", "kill -SEGV $$", "echo '{}'"):
        says(decoder, script)
        refusal(picture())
    monkeypatch.setattr(apart, "ask_decoder", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rebuild_apart(picture(), "JPEG")
    assert sandbox._threads._value == settings.UPLOADS_AT_ONCE
    with contextlib.ExitStack() as held:
        for _ in range(settings.DECODES_AT_ONCE):
            held.enter_context(place(sandbox._FOLDER, settings.DECODES_AT_ONCE, 0))


def test_uploads_take_half_of_the_threads_and_the_next_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on = threading.Event()

    def hold(*_: object) -> bytes:
        may_go_on.wait(60)
        return b'{"code": "unreadable", "detail": {}}'

    monkeypatch.setattr(apart, "ask_decoder", hold)
    with ThreadPoolExecutor() as pool:
        uploads = [pool.submit(refusal, picture()) for _ in range(settings.UPLOADS_AT_ONCE)]
        while sandbox._threads._value:
            time.sleep(0.01)
        assert refusal(picture()) == ("busy", {})
        may_go_on.set()
        assert [upload.result()[0] for upload in uploads] == ["unreadable"] * settings.UPLOADS_AT_ONCE


def test_upload_is_refused_while_other_processes_hold_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DECODES_AT_ONCE", 1)
    monkeypatch.setattr(settings, "DECODE_TIMEOUT_SECONDS", 0)
    with place(sandbox._FOLDER, 1, 0):
        assert refusal(picture()) == ("busy", {})
    assert refusal(picture())[0] == "decoder_timeout"  # it has its place


def test_decoder_yields_to_the_pages(decoder: Path) -> None:
    limited = "import os\nfrom ml.decode.confinement import limit_process\nlimit_process()\nprint(os.nice(0) - {})"
    lowered = subprocess.run([sys.executable, "-c", limited.format(os.nice(0))], capture_output=True, text=True, check=True)
    assert lowered.stdout == "5\n"
    # In a session of its own it would be weighed against the web server as a whole, whatever its priority.
    says(decoder, f"ps -o sid= -p $$ > {decoder.parent}/session")
    refusal(picture())
    assert int((decoder.parent / "session").read_text()) == os.getsid(0)


@pytest.mark.slow("opens pictures of 50 megapixels")
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
