rule export_shard:
    output:
        shard=artefacts.RAW,
    log:
        log_of("export_shard/{corpus}/{shard}"),
    benchmark:
        timing_of("export_shard/{corpus}/{shard}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1000),
    params:
        source=lambda w: as_json(plan.corpora[w.corpus].source()),
        code=digest("export_shard"),
    shell:
        r"""
        python "$CODEPARROT/scripts/export_shard.py" \
            --source {params.source:q} \
            --shard {wildcards.shard} \
            --output {output.shard:q} \
            >{log:q} 2>&1
        """
