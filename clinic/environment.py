"""What the environment says: the readers that clinic/settings.py is made of.

Each variable can also come from a file: where NAME_FILE is set, NAME is what that file holds. So containers hand secrets over.
systemd does it with credentials: a file called name in $CREDENTIALS_DIRECTORY, which it makes for one service alone.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def file_of(name: str) -> Path | None:
    """Return the file that holds the variable `name`: that in `name`_FILE, or the credential; None where neither exists."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path)
    credential = Path(os.environ.get("CREDENTIALS_DIRECTORY") or "/nowhere") / name.lower()
    return credential if credential.is_file() else None


def env_str(name: str, default: str = "") -> str:
    """Return what the file of the variable `name` holds, the environment variable, or the default.

    Raises ImproperlyConfigured when the file cannot be read.
    """
    path = file_of(name)
    if path is None:
        return os.environ.get(name, default)
    try:
        return path.read_text(encoding="utf-8").strip()
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


def is_given(name: str) -> bool:
    """Whether the environment, a file that it names or a credential holds the variable `name`."""
    return file_of(name) is not None or bool(os.environ.get(name))


def secret_file(name: str, folder: Path) -> Path | None:
    """Return the file that the secret `name` comes from; None when it comes from the environment."""
    return file_of(name) or (None if os.environ.get(name) else folder / name.lower())


def env_choices(name: str, choices: Iterable[str]) -> frozenset[str]:
    """Return the comma-separated environment variable `name`. Raises ImproperlyConfigured when a word is not one of the choices."""
    found = frozenset(env_list(name))
    if unknown := found - set(choices):
        raise ImproperlyConfigured(f"{name} names {', '.join(sorted(unknown))}. There are {', '.join(choices)}.")
    return found


def secret(name: str, folder: Path) -> str:
    """Return the secret `name` from the environment, or from its file in `folder`.

    Raises ImproperlyConfigured when neither holds it: a made-up key would lose every encrypted field at the next start.
    """
    path = folder / name.lower()
    value = env_str(name) or (path.read_text().strip() if path.exists() else "")
    if not value:
        raise ImproperlyConfigured(f"Set {name}, or run `python -m clinic.serve --setup` to generate {path}.")
    return value
