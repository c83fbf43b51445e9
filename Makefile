# make up: a sample city, woven and served.   make test: everything that CI runs.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
CITY   ?= city
SCALE  ?= 1/1000
PORT   ?= 8000

DATACONTRACT_CLI := 1.2.8
EXTRAS := --extra noise --extra sail --extra sedona --extra signin --extra sources --extra spark

export PYTHONDONTWRITEBYTECODE :=

.PHONY: up test lint contracts unit mutation mutation-sample assets clean

up: $(VENV)/.installed assets
	@test -f $(CITY)/city.toml || $(BIN)/cityloom new $(CITY) --name "Sample city" --sample $(SCALE)
	@$(BIN)/cityloom weave $(CITY)
	@$(BIN)/cityloom serve $(CITY) --port $(PORT)

test: lint contracts unit mutation-sample

lint: $(VENV)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

contracts: $(VENV)/.installed-tests
	@$(BIN)/uv run --quiet --isolated --no-project --python $(BIN)/python \
		--with datacontract-cli==$(DATACONTRACT_CLI) python tests/lint_contracts.py

unit: $(VENV)/.installed-tests assets
	$(BIN)/pytest -n 2 --dist loadgroup

mutation: $(VENV)/.installed-mutation
	$(BIN)/python -m tests.mutation --workers 2

mutation-sample: $(VENV)/.installed-mutation
	$(BIN)/python -m tests.mutation --workers 2 --pooled 36 --trusted --seed "$$(git rev-parse HEAD)"

assets: src/cityloom/web/static/vendor/.complete

src/cityloom/web/static/vendor/.complete: package-lock.json | $(VENV)/.installed
	$(BIN)/python -m cityloom.web.assets

$(VENV)/bin/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: pyproject.toml uv.lock | $(VENV)/bin/uv
	$(BIN)/uv sync --quiet --frozen --compile-bytecode --inexact --no-default-groups --group build
	@touch $@

$(VENV)/.installed-tests: pyproject.toml uv.lock | $(VENV)/bin/uv
	$(BIN)/uv sync --quiet --frozen --compile-bytecode --inexact --no-default-groups --group build --group test --group lint $(EXTRAS)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-mutation: $(VENV)/.installed-tests
	$(BIN)/uv sync --quiet --frozen --compile-bytecode --inexact --no-default-groups --group build --group test --group mutation $(EXTRAS)
	@touch $@

clean:
	rm -rf $(VENV) node_modules src/cityloom/web/static/vendor build dist
