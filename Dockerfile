# One image for web, workers, tasks and the sweep; deploy/container/compose.yaml says what each runs. It holds no key and no password.

FROM python:3.13.7-slim-bookworm AS build
WORKDIR /srv/affectline
# With the client of object stores (23 MB), so that one image does for one host and for several.
COPY requirements-s3.lock ./
RUN python -m venv /opt/venv && \
    /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --requirement requirements-s3.lock
COPY manage.py ./
COPY gunicorn.conf.py ./
COPY clinic clinic
COPY demo demo
COPY encryption encryption
COPY inference inference
COPY locale locale
COPY ml ml
COPY patients patients
COPY static static
COPY templates templates
# The data package of a study holds the card of its model.
COPY docs/model-card.md docs/model-card.md
# Django wants keys to collect files. These are random, and gone with the layer's last command.
RUN AFFECTLINE_VAR=/tmp/build /opt/venv/bin/python -m clinic.serve --setup && \
    AFFECTLINE_VAR=/tmp/build STATIC_ROOT=/srv/affectline/collected /opt/venv/bin/python manage.py collectstatic --no-input && \
    rm -rf /tmp/build
RUN /opt/venv/bin/python -m compileall -q clinic demo encryption inference ml patients

FROM python:3.13.7-slim-bookworm
# What WeasyPrint loads to make reports on paper.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 && \
    rm -rf /var/lib/apt/lists/*
# A volume that is mounted there for the first time belongs to this user too.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /srv/affectline --shell /usr/sbin/nologin affectline && \
    install --directory --owner affectline --group affectline --mode 700 /var/lib/affectline
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/affectline /srv/affectline
WORKDIR /srv/affectline
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    AFFECTLINE_VAR=/var/lib/affectline \
    STATIC_ROOT=/srv/affectline/collected
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "gunicorn", "clinic.wsgi:application", "--bind", "127.0.0.1:8000", "--workers", "4", "--worker-class", "gthread", "--threads", "8", "--timeout", "60", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
