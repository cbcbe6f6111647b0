"""From notebooks to pages: install, execute, stage, build, check. The Snakefile calls what is here."""
