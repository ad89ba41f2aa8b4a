rule pack_shard:
    input:
        train=artefacts.TRAIN,
        valid=artefacts.VALID,
        tokenizer=rules.train_tokenizer.output.tokenizer,
    output:
        train=artefacts.TOKENS.replace("{split}", "train"),
        train_description=artefacts.TOKENS_DESCRIPTION.replace("{split}", "train"),
        valid=artefacts.TOKENS.replace("{split}", "valid"),
        valid_description=artefacts.TOKENS_DESCRIPTION.replace("{split}", "valid"),
    log:
        "results/logs/pack_shard/{corpus}/{tokenizer}/{part}.log",
    benchmark:
        "results/benchmarks/pack_shard/{corpus}/{tokenizer}/{part}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 1500,
    params:
        infilling=lambda w: as_json(plan.infilling(w.tokenizer)),
        code=digest("pack_shard"),
    shell:
        "python scripts/pack_shard.py --train {input.train} --valid {input.valid} --tokenizer {input.tokenizer}"
        " --train_tokens {output.train} --valid_tokens {output.valid}"
        " --infilling {params.infilling:q} --threads {threads} > {log} 2>&1"


rule index_tokens:
    input:
        tokens=lambda w: plan.parts(artefacts.TOKENS, **w),
        descriptions=lambda w: plan.parts(artefacts.TOKENS_DESCRIPTION, **w),
    output:
        index=artefacts.TOKENS_INDEX,
    log:
        "results/logs/index_tokens/{corpus}/{tokenizer}/{split}.log",
    benchmark:
        "results/benchmarks/index_tokens/{corpus}/{tokenizer}/{split}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 500,
    params:
        descriptions=lambda w: plan.pattern(artefacts.TOKENS_DESCRIPTION, **w),
        shards=lambda w: plan.corpora[w.corpus]["shards"],
        code=digest("index_tokens"),
    shell:
        "python scripts/index_tokens.py --descriptions {params.descriptions:q} --shards {params.shards}"
        " --output {output.index} > {log} 2>&1"
