# The night's runs. The Snakefile includes this file; it needs its names BUILD and PY.
# Snakemake sees markers below _build/ only; records are judged before one of them may enter results/.
from mmlib.nightly import planning

NIGHT = planning.read_plan(BUILD)


rule night:
    input:
        [str(planning.marker(name, BUILD)) for name in NIGHT.runs],


rule night_run:
    output:
        f"{BUILD}/night/done/{{run}}.done",
    params:
        code=lambda wildcards: NIGHT.runs.get(wildcards.run, "not planned"),
    log:
        f"{BUILD}/night/log/{{run}}.log",
    benchmark:
        f"{BUILD}/night/log/{{run}}.tsv"
    retries: 1
    wildcard_constraints:
        run=".+",
    shell:
        "{PY} -m mmlib.nightly run {wildcards.run} --build {BUILD} > {log} 2>&1 && echo {params.code} > {output}"
