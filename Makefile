# Thin on purpose: .venv is made by mmlib.book.install, everything else is a Python command or the Snakefile.
PYTHON ?= python3
PY := .venv/bin/python

# What a person says is data. It is taken as it is written, never expanded and never pasted into a shell's line:
# Python reads it from the environment (SAID in mmlib/notebooks.py).
SAID := PYTHON PRESET CHAPTER DATA VARIANT SEED JOBS FORCE SNAKEMAKE PYTEST
$(foreach name,$(SAID),$(eval override $(name) := $$(value $(name))))
export $(SAID)

# A new environment holds no bytecode. Where nobody may write any, each of some hundred processes compiles all its
# libraries again, which takes longer than what most of them are started for.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup book test lab reproduce night nightly export preview lint clean

help:
	@echo "make book    build the book into _build/html (installs what it needs first)"
	@echo "make test    build the book and run every test"
	@echo "make lab     open copies of the chapters in JupyterLab; they lie in lab/ and are yours to change"
	@echo "make night   run what the claims ask for and no current record answers; hours, safe to kill and repeat"
	@echo "make nightly run some published runs again, report drift, and build the book"
	@echo "make reproduce CHAPTER=05   the same as make night for one chapter (PRESET, DATA, VARIANT, SEED, JOBS, FORCE)"
	@echo "make export  write the chapters' exported cells to mmlib/models/"
	@echo "make preview draw a sheet of MiniStreet scenes"
	@echo "make lint    check the style"
	@echo "make clean   forget everything built (keeps .venv and lab/)"

# The first line runs under any Python, however old.
setup:
	@"$$PYTHON" -c "import sys; v = sys.version.split()[0]; sys.version_info >= (3, 11) or sys.exit('setup: expected Python 3.11 or newer, got ' + v + '; next: make PYTHON=python3.12 book')"
	@"$$PYTHON" -m mmlib.book.install

book: setup
	@$(PY) -m mmlib.book make --said

test: book
	@PYTEST_ADDOPTS="$$PYTEST" $(PY) -m pytest -n 2 --dist worksteal

lab: setup
	@$(PY) -m mmlib.book lab

reproduce: setup
	@$(PY) -m mmlib.results reproduce --said

# With SNAKEMAKE="--executor ... --jobs 40" each run is a job on a cluster.
night: setup
ifneq ($(SNAKEMAKE),)
	@$(PY) -m mmlib.book make --said --night
else
	@$(PY) -m mmlib.results night --said
endif

nightly: setup
	@$(PY) -m mmlib.results nightly --said; status=$$?; $(PY) -m mmlib.book make && exit $$status

export: setup
	@$(PY) -m mmlib.book.export

preview: setup
	@$(PY) data_scripts/preview.py

lint: setup
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

clean:
	rm -rf _build .snakemake
