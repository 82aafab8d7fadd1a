"""An OpenID provider that runs beside the tests: oidc-provider-mock, which stands on Authlib and shares no code with our side."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from clinic.serve import free_port
from clinic.supervisor import end_with_parent

START_SECONDS = 60.0


@contextmanager
def running_provider() -> Iterator[str]:
    """Yield the address of a provider. A process of its own: what its libraries warn of is not ours."""
    port = free_port()
    address = f"http://localhost:{port}"
    command = (sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--host", "localhost")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent())
    try:
        give_up_at = time.monotonic() + START_SECONDS
        while not _answers(address):
            assert process.poll() is None, "the provider ended"
            assert time.monotonic() < give_up_at, "the provider does not answer"
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/.well-known/openid-configuration", timeout=5).ok
    except requests.RequestException:
        return False


def say(address: str, sub: str, **claims: Any) -> None:  # Any: JSON
    """Have the provider say this about a person; None says nothing."""
    known = {name: claim for name, claim in claims.items() if claim is not None}
    requests.put(f"{address}/users/{sub}", json=known, timeout=5).raise_for_status()
