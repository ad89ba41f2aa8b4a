rule export_shard:
    output:
        shard=artefacts.RAW,
    log:
        "results/logs/export_shard/{corpus}/{shard}.log",
    benchmark:
        "results/benchmarks/export_shard/{corpus}/{shard}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        source=lambda w: as_json(plan.source(w.corpus)),
        code=digest("export_shard"),
    shell:
        "python scripts/export_shard.py --source {params.source:q} --shard {wildcards.shard}"
        " --output {output.shard} > {log} 2>&1"
