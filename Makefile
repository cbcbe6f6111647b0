# Thin on purpose: .venv is made by mmlib.book.install, everything else is a Python command or the Snakefile.
PYTHON ?= python3
PY := .venv/bin/python
PRESET ?= laptop
# What a night or a reproduction may be narrowed to: make reproduce CHAPTER=05 VARIANT=rgb SEED=3
ONLY = --preset $(PRESET) $(if $(DATA),--data $(DATA)) $(if $(VARIANT),--variant $(VARIANT)) $(if $(SEED),--seed $(SEED)) \
       $(if $(JOBS),--jobs $(JOBS))

.PHONY: help setup book test lab reproduce nightly export preview lint clean

help:
	@echo "make book    build the book into _build/html (installs what it needs first)"
	@echo "make test    build the book and run every test"
	@echo "make lab     open the chapters in JupyterLab"
	@echo "make reproduce CHAPTER=05   run what one chapter's claims ask for, and write its records to results/"
	@echo "make nightly the same for every chapter, with a report of what failed and what drifted"
	@echo "make export  write the chapters' exported cells to mmlib/models/"
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
	@$(PY) -m mmlib.nightly reproduce "$(CHAPTER)" $(ONLY) $(SNAKEMAKE)

nightly: setup
	@$(PY) -m mmlib.nightly night $(if $(CHAPTER),--chapter $(CHAPTER)) $(if $(FORCE),--force) $(ONLY) $(SNAKEMAKE); \
	status=$$?; $(PY) -m mmlib.book make && exit $$status

export: setup
	@$(PY) -m mmlib.book.export

preview: setup
	@$(PY) data_scripts/preview.py

lint: setup
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

clean:
	rm -rf _build .snakemake
