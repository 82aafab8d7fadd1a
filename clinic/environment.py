"""What the environment says: the readers that clinic/settings.py is made of.

Each variable can also come from a file: where NAME_FILE is set, NAME is what that file holds. So containers hand secrets over.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env_str(name: str, default: str = "") -> str:
    """Return the environment variable `name`, what the file in `name`_FILE holds, or the default.

    Raises ImproperlyConfigured when that file cannot be read.
    """
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name, default)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {error}") from None


def env_bool(name: str, default: bool) -> bool:
    """Return whether the environment variable `name` says 1, true, yes or on."""
    return env_str(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


def env_int(name: str, default: int) -> int:
    """Return the environment variable `name` as a whole number."""
    value = env_str(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def env_list(name: str, default: str = "") -> list[str]:
    """Return the comma-separated environment variable `name` as a list."""
    return [word.strip() for word in env_str(name, default).split(",") if word.strip()]


def secret(name: str, folder: Path) -> str:
    """Return the secret `name` from the environment, or from its file in `folder`.

    Raises ImproperlyConfigured when neither holds it: a made-up key would lose every encrypted field at the next start.
    """
    path = folder / name.lower()
    value = env_str(name) or (path.read_text().strip() if path.exists() else "")
    if not value:
        raise ImproperlyConfigured(f"Set {name}, or run `python -m clinic.serve --setup` to generate {path}.")
    return value
