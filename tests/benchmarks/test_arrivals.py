"""The simulation of arrivals agrees with what queueing theory knows, and the operators' page shows what it prints."""

import json
import re
import sys
from math import factorial
from pathlib import Path

import numpy as np
import pytest

from benchmarks import arrivals

OPERATIONS = Path(__file__).resolve().parent.parent.parent / "docs" / "operations.md"
JOBS = 200_000


def poisson(rate: float) -> arrivals.Seconds:
    """Return the times of JOBS arrivals, `rate` in each second."""
    return np.cumsum(np.random.default_rng(1).exponential(1 / rate, JOBS))


@pytest.mark.parametrize(("rate", "workers"), [(0.7, 1), (3.2, 4)])
def test_mean_wait_is_that_of_erlang(rate: float, workers: int) -> None:
    """M/M/c with a mean service of one second: Erlang's formula C, divided by c minus the load."""
    waits = arrivals.waits(poisson(rate), np.random.default_rng(2).exponential(1.0, JOBS), workers)
    full = rate**workers / factorial(workers) * workers / (workers - rate)
    must_wait = full / (sum(rate**k / factorial(k) for k in range(workers)) + full)
    assert np.mean(waits) == pytest.approx(must_wait / (workers - rate), rel=0.08)
    assert np.mean(waits > 0) == pytest.approx(must_wait, rel=0.03)


def test_mean_wait_is_that_of_pollaczek_and_khinchine() -> None:
    """M/D/1 with a service of one second: load / (2 (1 - load))."""
    waits = arrivals.waits(poisson(0.8), np.ones(JOBS), 1)
    assert np.mean(waits) == pytest.approx(0.8 / (2 * 0.2), rel=0.05)


def test_day_holds_every_photo_of_every_session() -> None:
    moments = arrivals.arrivals_of(clinicians=5, days=3)
    assert len(moments) == 5 * 3 * len(arrivals.SESSIONS) * arrivals.PHOTOS_A_SESSION
    assert np.all(np.diff(moments) >= 0)
    assert 8.5 * 3600 < moments[0] < 9.5 * 3600


def test_page_shows_what_the_simulation_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = OPERATIONS.read_text()
    command = re.findall(r"`python -m benchmarks\.arrivals (--service-ms \d+)`", page)[0]
    monkeypatch.setattr(sys, "argv", ["arrivals", *command.split()])
    arrivals.main()
    _head, *lines = map(json.loads, capsys.readouterr().out.splitlines())
    names = ("clinicians", "photos_a_day", "workers", "wait_p50_s", "wait_p95_s", "wait_most_s")
    rows = [
        " | ".join(f"{line[name]:,}" if isinstance(line[name], int) else f"{line[name]:.2f}" for name in names) for line in lines
    ]
    assert re.findall(r"^\| (\d+ \| [\d,]+ \| .+) \|$", page, re.MULTILINE) == rows
