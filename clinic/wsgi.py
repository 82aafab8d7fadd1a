"""The WSGI entry point for gunicorn. Its log says at the start how photos will be opened."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

application = get_wsgi_application()

from patients.photos.decoding import report_layers  # noqa: E402  # Django must be ready

report_layers()
