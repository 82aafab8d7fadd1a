"""A real S3 server on this computer: rclone, which keeps each object as a file of a folder."""

import secrets
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from clinic.serve import HOST, free_port
from tests.engines.server import Server


class ObjectStore(Server):
    """A server with one bucket that a test can stop and start again. It checks the signature of each request."""

    bucket = "photos"

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.access_key, self.secret_key = "affectline", secrets.token_urlsafe(12)
        (folder / self.bucket).mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of an installation that keeps its photos here."""
        return {
            "S3_BUCKET": self.bucket,
            "S3_ENDPOINT": f"http://{HOST}:{self.port}",
            "S3_ACCESS_KEY": self.access_key,
            "S3_SECRET_KEY": self.secret_key,
        }

    def command(self) -> tuple[str, ...]:
        """Return the command."""
        rclone = shutil.which("rclone", path=Path(sys.executable).parent)
        assert rclone, "rclone is missing: run `make .venv/dev`"
        keys = ("--auth-key", f"{self.access_key},{self.secret_key}")
        at = ("--addr", f"{HOST}:{self.port}", "--config", "/dev/null", "--dir-cache-time", "0s", "--log-level", "ERROR")
        return (rclone, "serve", "s3", *keys, *at, str(self.folder))

    def answers(self) -> bool:
        """Return whether the server answers now: it refuses a request without a key."""
        try:
            urllib.request.urlopen(f"http://{HOST}:{self.port}", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            pass
        return False

    def empty(self) -> None:
        """Delete all objects."""
        shutil.rmtree(self.folder / self.bucket)
        (self.folder / self.bucket).mkdir()

    def objects(self) -> dict[str, bytes]:
        """Return the content of each object by its name."""
        root = self.folder / self.bucket
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
