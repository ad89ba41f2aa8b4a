def source_settings(corpus):
    """The source's settings, and what it reads besides: the lock file and the Python whose library it takes."""
    source = CORPORA[corpus]["source"]
    return {key: value for key, value in source.items() if key != "kind"}


def source_version(corpus):
    """What the source's records depend on besides its settings: the locked versions and the Python."""
    lock = Path(CORPORA[corpus]["source"].get("lock", "requirements.lock"))
    if not lock.is_file():
        raise WorkflowError(
            f"config/corpora/{corpus}.yaml: source: lock: {str(lock)!r}: no such file"
        )
    return f"python {sys.version.split()[0]}, lock {file_digest(lock)[:16]}"


rule export_shard:
    output:
        shard=artefacts.RAW,
    params:
        kind=lambda w: CORPORA[w.corpus]["source"]["kind"],
        settings=lambda w: as_json(source_settings(w.corpus)),
        number=lambda w: int(w.shard),
        shards=lambda w: CORPORA[w.corpus]["shards"],
        version=lambda w: source_version(w.corpus),
        code=digest("export_shard"),
    log:
        "results/logs/export_shard/{corpus}/{shard}.log",
    benchmark:
        "results/benchmarks/export_shard/{corpus}/{shard}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/export_shard.py --kind {params.kind} --settings {params.settings:q}"
        " --shard {params.number} --shards {params.shards} --output {output.shard} > {log} 2>&1"
