"""One settings file for every place Affectline runs. The environment chooses; docs/operators.md lists every variable."""

import json
import os
import re
from pathlib import Path
from typing import Any, Literal

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from clinic.environment import env_bool, env_choices, env_int, env_list, env_str, is_given, secret, secret_file
from clinic.oidc import oidc_from_environment
from clinic.rates import ACCOUNT_RATE_LIMITS as ACCOUNT_RATE_LIMITS
from clinic.schedule import schedule
from clinic.stores import storage_from_environment
from clinic.transport import is_near
from ml.decode.confinement import LAYERS

django_stubs_ext.monkeypatch()  # lets Django's classes be written as they are typed, ModelForm[Patient]


def load_consent_texts(path: str) -> dict[str, str]:
    """Return the clinic's own consent texts by purpose, from the JSON file at `path`; empty without a path.

    Raises ImproperlyConfigured unless the file has a text for every purpose: no one can consent to an empty text.
    """
    if not path:
        return {}
    try:
        texts = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"CONSENT_TEXTS names a file that cannot be read: {error}") from None
    if not isinstance(texts, dict) or set(texts) != {"care", "research", "teaching"} or not all(map(_is_text, texts.values())):
        raise ImproperlyConfigured("CONSENT_TEXTS needs one text each under care, research and teaching.")
    return texts


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env_str("AFFECTLINE_VAR", str(BASE_DIR / "var"))).resolve()

# --- Secrets and hosts
SECRET_KEY = secret("SECRET_KEY", VAR)
FIELD_KEYS = [key.strip() for key in secret("FIELD_KEYS", VAR).replace("\n", ",").split(",") if key.strip()]  # newest first
FIELD_KEYS_FILE = None if is_given("FIELD_KEYS") else VAR / "field_keys"  # read again when it changes: running processes follow
SEARCH_KEY = secret("SEARCH_KEY", VAR)
KEY_FILES = {name: secret_file(name, VAR) for name in ("SECRET_KEY", "FIELD_KEYS", "SEARCH_KEY")}  # encryption/checks.py
DEBUG = env_bool("DEBUG", False)
DEMO = env_bool("DEMO", False)
DEMO_VISITS = env_int("DEMO_VISITS", 0)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
if DEMO and not {"127.0.0.1", "localhost", "[::1]"}.issuperset(ALLOWED_HOSTS):
    raise ImproperlyConfigured("DEMO has one password and no second factor: ALLOWED_HOSTS can only be 127.0.0.1 and localhost.")
HTTPS = env_bool("HTTPS", True)

# --- Apps and middleware
INSTALLED_APPS = [
    "clinic.apps.Clinic",
    "demo",
    "patients",
    "inference",
    "encryption",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "clinic.stack.RoomForCalls",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "clinic.request_log.RequestLog",
    "csp.middleware.CSPMiddleware",
    "clinic.middleware.PrivateResponses",
    "clinic.middleware.LocalDemoOnly",
    "clinic.middleware.ProbesOnly",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "clinic.bodies.BodyLimits",
    "clinic.limits.SessionLimits",
    "clinic.middleware.SignInRequired",
    "clinic.middleware.SecondFactor",
    "django.middleware.csrf.CsrfViewMiddleware",  # reads the body: only of someone who is signed in, or of a page for anyone
    "clinic.middleware.ClinicianTimeZone",
    "clinic.middleware.ClinicianLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "patients.api.keys.ApiKeys",
    "patients.audit.middleware.AccessMiddleware",
]
ROOT_URLCONF = "clinic.urls"
WSGI_APPLICATION = "clinic.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [  # Any: Django's own shape
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic.context.site",
                "patients.care.break_glass.open_break_glasses",
            ],
        },
    },
]

# --- Engines
# Connections to other hosts that need not be encrypted (clinic/checks.py).
ACCEPT_PLAIN = env_choices("ACCEPT_PLAIN", ("database", "queue", "mail", "log", "photos"))
# Not as part of the URL: the path may hold characters that mean something in a URL.
DATABASES = {"default": dj_database_url.parse(env_str("DATABASE_URL") or "sqlite://", conn_max_age=60)}
if not env_str("DATABASE_URL"):
    DATABASES["default"]["NAME"] = str(VAR / "db.sqlite3")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction waits for the write lock at its start instead of failing in the middle.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": env_int("DATABASE_WAIT_SECONDS", 20),
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    if not is_near(DATABASES["default"]["HOST"]) and "database" not in ACCEPT_PLAIN:
        DATABASES["default"].setdefault("OPTIONS", {}).setdefault("sslmode", "require")
# Shared by all web processes: rate limits and used one-time codes. Not in Redis, which may be down while pages still work.
# Django's own limit of 300 entries would let an attacker push out the counters that slow guessing down.
SHARED_CACHE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
CACHES = {"default": SHARED_CACHE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

READ_TIME_LIMIT_SECONDS = env_int("READ_TIME_LIMIT_SECONDS", 30)  # a photo takes well under 2 s on one slow core
if READ_TIME_LIMIT_SECONDS < 10:
    raise ImproperlyConfigured("READ_TIME_LIMIT_SECONDS must be at least 10: the last 5 are for ending in order.")
ERASE_TIME_LIMIT_SECONDS = 30  # an erasing task pauses long before (patients/consent/erasure.py)
CELERY_BROKER_URL = env_str("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # After this time Redis delivers an unacknowledged task again; it must exceed the hard limit, or the task would run twice.
    "visibility_timeout": max(READ_TIME_LIMIT_SECONDS, ERASE_TIME_LIMIT_SECONDS) + 30,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    # A request tries the broker once. CELERY_TASK_PUBLISH_RETRY below does not cover the connection itself.
    "max_retries": 0,
}
# The worker takes from them in turn (kombu's round robin): a heartbeat or a new photo does not wait behind a thousand photos.
# Named here, not on the worker's command line: a worker with an older unit file serves them all too.
CELERY_TASK_QUEUES = tuple(Queue(name, routing_key=name) for name in ("celery", "photos", "again", "tasks"))
CELERY_TASK_ROUTES = {"inference.tasks.*": {"queue": "photos"}}
CELERY_TASK_PUBLISH_RETRY = False  # the row waits for the sweep; the clinician does not wait for the broker
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = READ_TIME_LIMIT_SECONDS - 5
CELERY_TASK_TIME_LIMIT = READ_TIME_LIMIT_SECONDS
# The memory of a child grows slowly: 273 MB after 60 photos, 305 after 1,000. A new one loads the model within a second.
CELERY_WORKER_MAX_TASKS_PER_CHILD = 400
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
SWEEP_SECONDS = env_int("SWEEP_SECONDS", 15)
CELERY_BEAT_SCHEDULE = schedule(SWEEP_SECONDS)

# --- The model
MODEL_DIR = Path(env_str("MODEL_DIR", str(BASE_DIR / "ml" / "weights")))
MODEL_ENGINE: Literal["onnx", "keras"] = "keras" if env_str("MODEL_ENGINE", "onnx") == "keras" else "onnx"

BACKUP_KEYS = env_list("BACKUP_KEYS")  # public keys, age1..., of those who may open a backup (manage.py backup)

# --- Exchange with other systems
RECORD_NUMBER_SYSTEM = env_str("RECORD_NUMBER_SYSTEM")  # the URI that names the record numbers of the hospital in FHIR

# --- Files
STATIC_URL = "static/"
STATIC_ROOT = Path(env_str("STATIC_ROOT", str(VAR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env_str("MEDIA_ROOT", str(VAR / "photos")))
PATIENT_KEYS = Path(
    env_str("PATIENT_KEYS", str(VAR / "patient_keys"))
)  # shared by all hosts, like the photos; never in their backup
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
if Path("/dev/shm").is_dir():  # nosec B108  # files there have no name (patients/photos/upload_handler.py)
    FILE_UPLOAD_TEMP_DIR = "/dev/shm"  # nosec B108  # in memory: an original with its GPS position and time is never on disk
STORAGES = {
    "default": storage_from_environment(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "clinic.static_files.StaticFilesStorage"
    },
}

# --- Photos
PHOTO_MAX_BYTES = env_int("PHOTO_MAX_BYTES", 30_000_000)
PHOTO_MAX_PIXELS = env_int("PHOTO_MAX_PIXELS", 51_000_000)
PHOTOS_PER_VISIT = env_int("PHOTOS_PER_VISIT", 60)
DECODE_TIMEOUT_SECONDS = env_int("DECODE_TIMEOUT_SECONDS", 20)
# On this computer, in all its processes: as many as it has cores. Up to 800 MB each, while the largest pictures are rebuilt.
DECODES_AT_ONCE = env_int("DECODES_AT_ONCE", min(max(os.cpu_count() or 2, 2), 8))
UPLOADS_AT_ONCE = env_int("UPLOADS_AT_ONCE", 4)  # in each web process: half of its threads, so that the others answer pages
# Without these layers around its decoder (ml/decode/confinement.py), no upload is opened.
DECODER_LAYERS = frozenset() if DEMO else frozenset(LAYERS) - env_choices("DECODER_MAY_LACK", LAYERS)
PHOTOS_PER_USER_AND_DAY = env_int("PHOTOS_PER_USER_AND_DAY", 2000)
DATA_UPLOAD_MAX_NUMBER_FILES = 100
# One photo fits into memory; larger uploads go to a file without a name, up to a limit (patients/photos/upload_handler.py).
FILE_UPLOAD_MAX_MEMORY_SIZE = PHOTO_MAX_BYTES + 1_000_000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler", "patients.photos.upload_handler.NamelessFile"]

# --- Consent and erasure
BUILT_IN_CONSENT_TEXTS = "2026-11-30"  # version of the texts in patients/consent/consent.py; change both together
CONSENT_TEXT_VERSION = env_str("CONSENT_TEXT_VERSION", BUILT_IN_CONSENT_TEXTS)
CONSENT_TEXTS = load_consent_texts(env_str("CONSENT_TEXTS"))
if CONSENT_TEXTS and CONSENT_TEXT_VERSION == BUILT_IN_CONSENT_TEXTS:
    raise ImproperlyConfigured("CONSENT_TEXTS needs a CONSENT_TEXT_VERSION of its own: this one names the words that came along.")
ERASURE_GRACE_HOURS = env_int("ERASURE_GRACE_HOURS", 24)  # after a withdrawal, in case it was recorded for the wrong patient
# Days from the visit after which pictures are erased; 0 keeps them. Of a patient's purposes, the longest period counts.
RETENTION_DAYS = {
    "care": env_int("RETENTION_CARE_DAYS", 0),
    "research": env_int("RETENTION_RESEARCH_DAYS", 0),
    "teaching": env_int("RETENTION_TEACHING_DAYS", 0),
}

# --- Sign-in
AUTH_USER_MODEL = "patients.User"
AUTHENTICATION_BACKENDS = ["patients.accounts.mfa.Backend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
OIDC = oidc_from_environment()
SOCIALACCOUNT_ADAPTER = "patients.accounts.provider.InvitedOnly"
SOCIALACCOUNT_PROVIDERS = OIDC.providers if OIDC else {}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "patients.accounts.adapter.InvitationOnly"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # the invitation was sent to it
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Affectline: "
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True  # people with a second factor are asked for it
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if HTTPS else 0  # the client's IP, for rate limits and the list of sessions
MFA_REQUIRED = not DEMO
MFA_ADAPTER = "patients.accounts.mfa.EncryptedFactors"
MFA_FORMS = {
    "authenticate": "patients.accounts.code_forms.SignInCodeForm",
    "reauthenticate": "patients.accounts.code_forms.ReauthenticationCodeForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # a passkey replaces both factors: the device checks finger, face or PIN
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # see ACCOUNT_EMAIL_VERIFICATION
# A demo prints mails. Elsewhere none are sent until a mail server is set: a password link must not end up in a log.
EMAIL_BACKEND = env_str("EMAIL_BACKEND", f"django.core.mail.backends.{'console' if DEMO else 'dummy'}.EmailBackend")
HAS_MAIL = not EMAIL_BACKEND.startswith(("django.core.mail.backends.console", "django.core.mail.backends.dummy"))
EMAIL_HOST = env_str("EMAIL_HOST", "localhost")
EMAIL_PORT = env_int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env_str("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env_str("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = env_bool("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", not EMAIL_USE_SSL and not is_near(EMAIL_HOST))
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", "affectline@localhost")

# --- Transport and headers
if HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # probes come from the same host without TLS
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 63_072_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
DEVICE_COOKIE_NAME = "__Host-device" if HTTPS else "device"  # patients/accounts/guessing.py
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "clinic.sessions"  # idle and absolute limit: clinic/limits.py
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
PERMISSIONS_POLICY = ", ".join(
    [
        "camera=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), fullscreen=(self)",
        "accelerometer=(), autoplay=(), browsing-topics=(), display-capture=()",
        "encrypted-media=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), interest-cohort=(), magnetometer=()",
        "microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()",
    ]
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # Plotly adds one empty style element; this is the hash of the empty text.
        "style-src": [SELF, "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"],
        "img-src": [SELF, "data:", "blob:"],
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF, *(OIDC.all_origins if OIDC else [])],
        "frame-ancestors": [NONE],
    }
}

MESSAGE_STORAGE = "patients.accounts.messages.EncryptedMessages"

# --- API
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600)  # of one key
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["patients.api.authentication.ByKey", "rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["patients.api.permission.ByRule"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "patients.api.negotiation.JSONFallback",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "patients.api.parameters.Description",
    "DEFAULT_PAGINATION_CLASS": "patients.api.pagination.LimitedPagination",
    "PAGE_SIZE": 100,
    "EXCEPTION_HANDLER": "patients.api.errors.answer",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Affectline",
    "DESCRIPTION": "Patients, visits, photos and how the expressions on them develop. Every result names the model that read it.",
    "VERSION": "1",
    "AUTHENTICATION_WHITELIST": ["patients.api.authentication.ByKey"],
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "patients.api.description.KeptGenerator",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["patients.api.permission.ByRule"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "patients.api.description.with_errors"],
}

# --- Language and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = env_str("TIME_ZONE", "UTC")  # the clinic's zone: a visit has its date here
FORMAT_MODULE_PATH = ["clinic.formats"]

# --- Figures for Prometheus (clinic/metrics.py)
METRICS_TOKEN = env_str("METRICS_TOKEN")
BUILD = env_str("BUILD", "unknown")

# --- The access log, sent away as it is written (patients/audit/shipping.py)
LOG_SHIP = env_str("LOG_SHIP")
if LOG_SHIP and not re.fullmatch(r"(file|unix|syslog):/.+|(tcp|syslog):[^/]+:\d+", LOG_SHIP):
    raise ImproperlyConfigured("LOG_SHIP is file:PATH, unix:PATH, syslog:PATH, syslog:HOST:PORT or tcp:HOST:PORT.")
AUDIT_HEAD_FILE = env_str("AUDIT_HEAD_FILE", str(VAR / "access-log-head.json"))

# --- Logs: ids, never names, file names or images
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "clinic.logs.JsonFormatter"}},
    "filters": {"not_now": {"()": "clinic.logs.NotNow"}},
    "loggers": {"django.request": {"filters": ["not_now"]}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env_str("LOG_LEVEL", "INFO")},
}
