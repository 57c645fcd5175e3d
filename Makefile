# Two commands matter: `make run` and `make test`. Both set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHOP := examples/shop
OUTPUT ?= out/shop

.PHONY: run test lint check format benchmarks emulators clean

run: $(VENV)/.installed
	$(BIN)/cjaas run --workspace $(SHOP) --input $(SHOP)/events.ndjson.gz --output $(OUTPUT) --overwrite

# Tests of what needs a missing tool are skipped, and say so; in CI they fail.
test: lint .data/CDNOW_sample.txt
	-$(MAKE) --no-print-directory emulators
	$(BIN)/pytest --numprocesses=auto --dist=loadscope --no-loadscope-reorder

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/cjaas check --workspace $(SHOP)
	$(BIN)/cjaas check --workspace examples/cdnow

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(VENV)/.installed
	$(BIN)/python benchmarks/validate.py
	$(BIN)/python benchmarks/journey.py

# The pins are the whole environment: what is installed is what was tested.
$(VENV)/.installed: requirements.txt pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

# A real purchase log, MIT-licensed, that comes with a package; unpacked, never committed.
.data/CDNOW_sample.txt: $(VENV)/.installed examples/cdnow/unpack.py
	mkdir -p .data
	$(BIN)/python examples/cdnow/unpack.py $@

# What streaming on one machine needs, besides Google's emulators of Pub/Sub and Bigtable, which come with
# the Google Cloud CLI: an emulator of BigQuery, and Prism, Beam's local runner, built from source.
emulators: .emulators/.installed .tools/prism

.emulators/.installed: requirements-emulators.txt
	$(PYTHON) -m venv .emulators
	.emulators/bin/pip install --quiet --no-deps --requirement requirements-emulators.txt
	.emulators/bin/python -c 'import duckdb_extensions; duckdb_extensions.import_extension("spatial")'
	touch $@

.tools/prism:
	GOBIN=$(CURDIR)/.tools go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0

clean:
	rm -rf $(VENV) .emulators .tools .data out
