# Thin on purpose: .venv is made by mmlib.book.install, everything else is a Python command or the Snakefile.
PYTHON ?= python3
PY := .venv/bin/python
PRESET ?= laptop

.PHONY: help setup book test lab reproduce preview lint clean

help:
	@echo "make book    build the book into _build/html (installs what it needs first)"
	@echo "make test    build the book and run every test"
	@echo "make lab     open the chapters in JupyterLab"
	@echo "make reproduce CHAPTER=03 DATA=vifb   run one chapter and write its records to results/"
	@echo "make preview draw a sheet of MiniStreet scenes"
	@echo "make lint    check the style"
	@echo "make clean   forget everything built (keeps .venv)"

setup:
	@$(PYTHON) -m mmlib.book.install

book: setup
	@$(PY) -m mmlib.book make $(SNAKEMAKE)

test: book
	@$(PY) -m pytest -n 2 --dist worksteal $(PYTEST)

lab: setup
	@$(PY) -m jupyterlab nbs

reproduce: setup
	@$(PY) -m mmlib.book run "$(CHAPTER)" --preset $(PRESET) $(if $(DATA),-p data $(DATA)) $(if $(SEED),-p seed $(SEED)) -p out results

preview: setup
	@$(PY) data_scripts/preview.py

lint: setup
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

clean:
	rm -rf _build .snakemake
