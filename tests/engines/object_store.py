"""A real S3 server on this computer: rclone, which keeps each object as a file of a folder."""

import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from clinic.serve import HOST, free_port
from clinic.supervisor import end_with_parent


class ObjectStore:
    """A server with one bucket that a test can stop and start again. It checks the signature of each request."""

    bucket = "photos"

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.access_key, self.secret_key = "affectline", secrets.token_urlsafe(12)
        (folder / self.bucket).mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The settings of an installation that keeps its photos here."""
        return {
            "S3_BUCKET": self.bucket,
            "S3_ENDPOINT": f"http://{HOST}:{self.port}",
            "S3_ACCESS_KEY": self.access_key,
            "S3_SECRET_KEY": self.secret_key,
        }

    def start(self) -> None:
        """Start the server and return once it answers."""
        rclone = shutil.which("rclone", path=Path(sys.executable).parent)
        assert rclone, "rclone is missing: run `make .venv/dev`"
        keys = ("--auth-key", f"{self.access_key},{self.secret_key}")
        at = ("--addr", f"{HOST}:{self.port}", "--config", "/dev/null", "--dir-cache-time", "0s", "--log-level", "ERROR")
        self._process = subprocess.Popen((rclone, "serve", "s3", *keys, *at, str(self.folder)), preexec_fn=end_with_parent())
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://{HOST}:{self.port}", timeout=5)
            except urllib.error.HTTPError:  # it answers, and refuses who shows no key
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("The object store does not answer.")

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def empty(self) -> None:
        """Delete all objects."""
        shutil.rmtree(self.folder / self.bucket)
        (self.folder / self.bucket).mkdir()

    def objects(self) -> dict[str, bytes]:
        """Return the content of each object by its name."""
        root = self.folder / self.bucket
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
