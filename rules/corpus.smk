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
        runtime=lambda w, attempt: attempt * 60,
    params:
        kind=lambda w: plan.corpora[w.corpus]["source"]["kind"],
        settings=lambda w: as_json(plan.source(w.corpus)),
        number=lambda w: int(w.shard),
        shards=lambda w: plan.corpora[w.corpus]["shards"],
        version=lambda w: plan.source_version(w.corpus),
        code=digest("export_shard"),
    shell:
        "python scripts/export_shard.py --kind {params.kind} --settings {params.settings:q}"
        " --shard {params.number} --shards {params.shards} --output {output.shard} > {log} 2>&1"
