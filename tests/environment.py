"""The environment of the tests: a plugin, not part of conftest.py, because it must load before Django's settings."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from clinic.keys import ensure_keys

# The processes of pytest-xdist inherit the folder from the process that made it.
_made_here = "AFFECTLINE_TEST_VAR" not in os.environ
if _made_here:
    os.environ["AFFECTLINE_TEST_VAR"] = tempfile.mkdtemp(prefix="affectline-test-")

VAR = Path(os.environ["AFFECTLINE_TEST_VAR"])
ensure_keys(VAR)
(VAR / "static").mkdir(exist_ok=True)  # whitenoise warns of a missing folder, and warnings are errors

os.environ["AFFECTLINE_VAR"] = str(VAR)
os.environ["HTTPS"] = "0"
os.environ["DEBUG"] = "1"  # plain names for static files: the hashed ones come from collectstatic, which the browser tests run
if sys.platform != "linux":  # the other layers are Linux's
    os.environ["DECODER_MAY_LACK"] = "namespace,capabilities,landlock,seccomp"
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"  # no server listens there: a test that uses a broker by mistake fails
for name in ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DEMO", "FIELD_KEYS", "MEDIA_ROOT", "SEARCH_KEY", "SECRET_KEY", "TIME_ZONE"):
    os.environ.pop(name, None)


def pytest_unconfigure() -> None:
    """Remove the folder with the test keys."""
    if _made_here:
        shutil.rmtree(VAR, ignore_errors=True)
