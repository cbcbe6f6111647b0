# The graph: notebooks are executed, then staged beside the prose, then built into pages.
# Locally: make book. On a cluster: make book SNAKEMAKE="--executor cluster-generic ... --jobs 20" (book/how_made.md).
# The night's runs are made by mmlib.results; on a cluster, by the last two rules.
import shlex
import sys

from mmlib.book import graph

BUILD = config.get("build", "_build")
PRESET = config.get("preset", "laptop")
PY = shlex.quote(sys.executable)  # a folder may have a space in its name


rule book:
    input:
        f"{BUILD}/html/.complete",


rule chapters:
    input:
        expand(f"{BUILD}/nbs/{{name}}.ipynb", name=graph.names()),


rule mathjax:
    input:
        "mmlib/book/vendor.py",
    output:
        f"{BUILD}/vendor/.complete",
    log:
        f"{BUILD}/log/mathjax.log",
    retries: 2
    shell:
        "{PY} -m mmlib.book vendor {BUILD:q}/vendor > {log:q} 2>&1 || (cat {log:q}; exit 1)"


rule chapter:
    input:
        lambda wildcards: graph.inputs(wildcards.name),
    output:
        f"{BUILD}/nbs/{{name}}.ipynb",
    params:
        outside=lambda wildcards: graph.outside_state(wildcards.name),
        preset=PRESET,
    log:
        f"{BUILD}/log/{{name}}.log",
    benchmark:
        f"{BUILD}/log/{{name}}.tsv"
    shell:
        "echo 'executing {wildcards.name}'; "
        "{PY} -m mmlib.book run {wildcards.name:q} --preset {params.preset} -o {output:q} > {log:q} 2>&1"
        " || (tail -n 40 {log:q}; exit 1)"


rule pages:
    input:
        rules.chapters.input,
        rules.mathjax.output,
        graph.page_files(),
    output:
        f"{BUILD}/html/.complete",
    params:
        ledger=graph.ledger_state(),
    log:
        f"{BUILD}/log/sphinx.log",
    shell:
        "echo 'building the pages'; "
        "{PY} -m mmlib.book pages {BUILD:q} > {log:q} 2>&1 || (tail -n 60 {log:q}; exit 1)"


rule night:
    input:
        lambda wildcards: graph.planned(BUILD, config.get("night", "night")),


rule night_run:
    output:
        touch(f"{BUILD}/night/done/{{name}}"),
    log:
        f"{BUILD}/night/log/{{name}}.log",
    retries: 1
    shell:
        "echo 'running {wildcards.name}'; "
        "{PY} -m mmlib.results run {wildcards.name:q} --build {BUILD:q} > {log:q} 2>&1 || (tail -n 20 {log:q}; exit 1)"
