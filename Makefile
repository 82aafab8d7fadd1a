# The two commands:  make run   make test
# Also:  test-full setup faults screenshots audit licences sbom fuzz messages lock fix bench train evaluate cohort twins

PYTHON ?= python3
PORT ?= 8000
PY := .venv/bin/python
REAL := tests/engines tests/e2e tests/faults
MAKEFLAGS += --no-print-directory
# Without compiled files every process of a test run would compile all modules and rewrite all assertions again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: run setup test gates lint types arrow templates migrations deploy-check unit postgres real engines faults screenshots \
	audit licences sbom fuzz messages lock fix bench train evaluate cohort twins

# What WeasyPrint loads to make reports on paper.
PANGO := deploy/need.sh 'ldconfig -p | grep -q libpango-1.0 && ldconfig -p | grep -q libpangoft2 && ldconfig -p | grep -q libharfbuzz-subset' \
	libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0

run: .venv/runtime
	@$(PANGO) || echo 'Without it, reports on paper (PDF) cannot be made; all else works.' >&2
	@$(PY) -m clinic.serve --port $(PORT)

# KEYS=/etc/affectline makes the keys there, apart from the data.
setup: .venv/runtime
	@$(PY) -m clinic.serve --setup $(if $(KEYS),--keys $(KEYS))

# --- Tests. One failing gate does not hide the next: --keep-going runs them all and still fails at the end.

# Two lanes side by side: browsers and real processes mostly wait, the other lane computes.
test:
	@$(MAKE) --jobs 2 .venv/dev engines
	@$(MAKE) --keep-going --jobs 2 --output-sync=target computing real

# What takes longer than a change should wait for: every database test on PostgreSQL too, full-size trainings, twenty kills.
test-full: .venv/dev engines
	@$(MAKE) --keep-going test postgres-full full faults

.PHONY: computing test-full full postgres-full
computing:
	@$(MAKE) --keep-going --jobs 2 --output-sync=target gates; gates=$$?; \
	$(MAKE) --keep-going --jobs 1 unit postgres && exit $$gates

gates: lint types arrow templates migrations deploy-check

gates lint types arrow templates migrations deploy-check: export AFFECTLINE_VAR := $(CURDIR)/test-results/var
types migrations deploy-check: test-results/var/secret_key

test-results/var/secret_key: .venv/dev
	@$(PY) -m clinic.serve --setup

lint: .venv/dev
	$(PY) -m ruff check --quiet .
	$(PY) -m ruff format --quiet --check .

types: .venv/dev
	$(PY) -m mypy

arrow: .venv/dev
	$(PY) -c 'from importlinter.cli import lint_imports_command as run; run()'

templates: .venv/dev
	$(PY) -m djlint --check --lint templates

migrations: .venv/dev
	$(PY) manage.py makemigrations --check --dry-run

# As in production: HTTPS on, no demo, keys as credentials. A warning fails.
deploy-check: .venv/dev
	@$(PY) -m clinic.serve --setup --keys test-results/keys
	CREDENTIALS_DIRECTORY=$(CURDIR)/test-results/keys ALLOWED_HOSTS=clinic.example DEMO=0 $(PY) manage.py check --deploy --fail-level WARNING

unit: .venv/dev
	$(PY) -m pytest tests $(addprefix --ignore=,$(REAL)) --numprocesses 2 --dist loadgroup

# Once more on PostgreSQL: the tests of what can differ there, which is locks, constraints, triggers, claims, JSON, order and time.
ON_POSTGRES := tests/clinic/test_backup.py tests/encryption tests/inference tests/trust/test_sessions.py $(addprefix tests/patients/,audit consent care tasks \
	forms/test_once.py photos/test_move.py photos/test_reanalyse.py photos/test_same_file_at_once.py reports/test_csv_export.py \
	reports/test_research.py reports/test_tables.py studies/test_participation.py timeline/test_points.py views/test_caseload.py \
	views/test_conflicts.py views/test_patient_imports.py views/test_people.py views/test_study_conflicts.py)
postgres: .venv/dev engines
	$(PY) -m tests.engines.postgres $(PY) -m pytest $(ON_POSTGRES) --numprocesses 2 --database-only

postgres-full: .venv/dev engines
	$(PY) -m tests.engines.postgres $(PY) -m pytest tests $(addprefix --ignore=,$(REAL)) --numprocesses 2 --database-only

full: .venv/dev engines
	$(PY) -m pytest tests --ignore=tests/e2e --ignore=tests/faults -m full --numprocesses 2

# Real processes: servers, workers, kills, and a browser.
real: .venv/dev engines
	$(PY) -m pytest $(REAL) --numprocesses 2 --dist loadfile

# Twenty kills instead of a few, an update while photos are queued, a clock that jumps and a full disk.
faults: .venv/dev engines
	KILLS=20 $(PY) -m pytest tests/faults -m "full or not full"

engines:
	@deploy/need.sh 'command -v redis-server' redis-server
	@$(PANGO)
	@deploy/need.sh 'command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome' \
		chromium-headless-shell
	@deploy/need.sh 'ls /usr/lib/postgresql/*/bin/initdb || command -v initdb' postgresql

# --- The network. Where the data lie is said on the command line: make train DATA=fer2013.zip VOTES=fer2013_ferplus.csv

DATA ?= fer2013.zip
VOTES ?= fer2013_ferplus.csv
RUNS ?= runs
WEIGHTS ?= $(RUNS)/weights
# The stage whose weights ship. The first alone does with one evening.
STAGE ?= sixth
MODEL_VERSION ?= 0.0.0
FACES := --data $(DATA) --votes $(VOTES)
WITHOUT_FACE := $(addprefix demo/portraits/,ines-05-dog.jpg leyla-06-no-face.jpg)

# Hours, which it says after each epoch: every stage that STAGE builds on, its teachers too where ml/teachers lacks their logits,
# and then the weights folder with all its measures. What was stopped goes on.
train: .venv/dev
	nice $(PY) -m ml.train $(FACES) --out $(RUNS) --to $(STAGE) --resume
	mkdir -p $(WEIGHTS) && cp ml/weights/centerface.* $(WEIGHTS)
	$(PY) -m ml.train.release --run $(RUNS)/$(STAGE) --stage $(STAGE) $(FACES) --version $(MODEL_VERSION) --out $(WEIGHTS) --robustness
	$(PY) -m ml.measure.parity --weights $(WEIGHTS) $(FACES) --without-face $(WITHOUT_FACE)
	$(PY) -m ml.measure.explanations --weights $(WEIGHTS) $(FACES)
	$(PY) -m ml.measure.cost --weights $(WEIGHTS) --data $(DATA)

# Minutes: the shipped weights on the validation faces.
evaluate: .venv/dev
	$(PY) -m ml.measure.evaluate --weights ml/weights $(FACES) --split validation --json test-results/evaluation.json

# --- From outside: known holes in what is installed, the code read by another eye, licences, the bill of materials

AUDIT := .audit/bin

# Runs to its end. Status 3: nothing found, but packages that no service could look up.
audit: .audit/done .venv/dev
	$(PY) deploy/audit.py

licences: .venv/dev
	$(PY) deploy/licences.py > docs/licences.md

# CycloneDX, with the hash of every file that may be installed.
sbom: .audit/done
	@mkdir -p test-results
	$(AUDIT)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file test-results/sbom.json requirements.lock

# Random requests, forms and files, FUZZ of each kind: about an hour for 500.
fuzz: export FUZZ ?= 500
fuzz: .venv/dev
	$(PY) -m pytest tests/trust/test_fuzz.py --numprocesses 2 --timeout 7200

.audit/done: requirements-audit.lock | .venv/bin/python
	@$(PYTHON) -m venv .audit
	@$(AUDIT)/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement $<
	@touch $@

# --- The demo's faces. Renders what is missing in demo/portraits, and goes on where it was stopped; hours in all.

COHORT := tools/cohort/.venv/bin/python
cohort: tools/cohort/.venv/installed
	nice -n 10 $(COHORT) -m tools.cohort --out demo

# The counterfactual pairs that ml.measure.fairness reads, into var-pairs: minutes.
twins: tools/cohort/.venv/installed
	nice -n 10 $(COHORT) -m tools.cohort.counterfactual_pairs --out var-pairs

# An environment of its own: Blender is 370 MB, wants Python 3.11, and nothing else here needs it.
tools/cohort/.venv/installed: tools/cohort/requirements.txt
	@deploy/need.sh 'python3.11 -c "import ensurepip"' python3.11 python3.11-venv
	@deploy/need.sh 'ldconfig -p | grep -q libSM.so.6 && ldconfig -p | grep -q libGL.so.1 && ldconfig -p | grep -q libXi.so.6' \
		libx11-6 libxext6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1
	python3.11 -m venv tools/cohort/.venv
	$(COHORT) -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement $<
	@touch $@

# --- Upkeep

# Texts into the catalogues of all languages and their compiled files; fails while one has no translation.
messages: .venv/dev
	@$(PY) -m clinic.catalogue

# The pictures that the documents show; every page in every look: make screenshots ALL=1.
# Inter stands in for the fonts that most computers have: on bare Debian every word would be too wide.
screenshots: .venv/dev engines
	@deploy/need.sh 'fc-list | grep -q Inter' fonts-inter
	$(PY) -m tests.e2e.screenshots $(if $(ALL),--all test-results/screenshots,docs/screenshots)

fix: .venv/dev
	$(PY) -m ruff check --quiet --fix .
	$(PY) -m ruff format --quiet .
	$(PY) -m djlint --quiet --reformat templates

bench: .venv/dev
	@for script in $(wildcard benchmarks/*.py); do $(PY) -m benchmarks.$$(basename $$script .py) || exit 1; done

# No package index is named in a lock: each person's own settings decide where packages come from.
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: .venv/bin/uv
	$(LOCK) pyproject.toml --group server --group keras --group s3 --group research --group dev --output-file requirements-dev.lock
	$(LOCK) pyproject.toml --group server --group keras --constraint requirements-dev.lock --output-file requirements.lock
	$(LOCK) pyproject.toml --group server --constraint requirements-dev.lock --output-file requirements-serve.lock
	$(LOCK) pyproject.toml --group server --group s3 --constraint requirements-dev.lock --output-file requirements-s3.lock
	$(LOCK) --group pyproject.toml:audit --output-file requirements-audit.lock

# --- Environment

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Affectline needs Python 3.11 or newer. Name one: make run PYTHON=python3.12' >&2; exit 1; }
	@deploy/need.sh "$(PYTHON) -c 'import ensurepip'" python3-venv
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# uv unpacks on all cores, and modules are compiled when they are first loaded. It does not read pip's settings: where it finds
# no packages, pip installs them.
.venv/bin/uv: requirements-dev.lock | .venv/bin/python
	@awk '/^[a-z]/ {uv = /^uv==/} uv' $< > .venv/uv.lock
	@$(PY) -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement .venv/uv.lock
	@touch $@

define install
	@echo 'Installing $< (about a minute)'
	@.venv/bin/uv pip install --quiet --python $(PY) --require-hashes --no-deps --requirement $< \
		|| $(PY) -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --requirement $<
	@touch $@
endef

# Servers and `make run`: nothing of TensorFlow, since the network is served by ONNX Runtime.
.venv/runtime: requirements-serve.lock | .venv/bin/uv
	$(install)

# For MODEL_ENGINE=keras.
.venv/keras: requirements.lock | .venv/bin/uv
	$(install)
	@touch .venv/runtime  # the runtime is part of it

# For S3_BUCKET.
.venv/s3: requirements-s3.lock | .venv/bin/uv
	$(install)
	@touch .venv/runtime  # the runtime is part of it

.venv/dev: requirements-dev.lock | .venv/bin/uv
	$(install)
	@touch .venv/runtime .venv/keras .venv/s3  # all are part of it
