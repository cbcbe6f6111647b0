# Thin on purpose: .venv is made by mmlib.book.install, everything else is a Python command or the Snakefile.
PYTHON ?= python3
PY := .venv/bin/python
# What a night or a reproduction may be narrowed to: make reproduce CHAPTER=05 VARIANT=rgb SEED=3
ONLY = --preset $(or $(PRESET),night) $(if $(DATA),--data $(DATA)) $(if $(VARIANT),--variant $(VARIANT)) \
       $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(if $(FORCE),--force)

.PHONY: help setup book test lab reproduce night nightly export preview lint clean

help:
	@echo "make book    build the book into _build/html (installs what it needs first)"
	@echo "make test    build the book and run every test"
	@echo "make lab     open the chapters in JupyterLab"
	@echo "make night   run what the claims ask for and no current record answers; hours, safe to kill and repeat"
	@echo "make nightly run some published runs again, report drift, and build the book"
	@echo "make reproduce CHAPTER=05   the same as make night for one chapter (PRESET, DATA, VARIANT, SEED, JOBS)"
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
	@$(PY) -m mmlib.results reproduce "$(CHAPTER)" $(ONLY)

# With SNAKEMAKE="--executor ... --jobs 40" each run is a job on a cluster.
night: setup
ifdef SNAKEMAKE
	@$(PY) -m mmlib.book make --night $(or $(PRESET),night) $(SNAKEMAKE)
else
	@$(PY) -m mmlib.results night $(if $(CHAPTER),--chapter $(CHAPTER)) $(ONLY)
endif

nightly: setup
	@$(PY) -m mmlib.results nightly $(if $(CHAPTER),--chapter $(CHAPTER)) $(if $(PRESET),--preset $(PRESET)) \
	  $(if $(JOBS),--jobs $(JOBS)); \
	status=$$?; $(PY) -m mmlib.book make && exit $$status

export: setup
	@$(PY) -m mmlib.book.export

preview: setup
	@$(PY) data_scripts/preview.py

lint: setup
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

clean:
	rm -rf _build .snakemake
