rule pack_shard:
    input:
        texts="results/corpora/{corpus}/{split}/{split}-{part}.parquet",
        tokenizer=rules.train_tokenizer.output.tokenizer,
    output:
        tokens=artefacts.TOKENS,
        description=artefacts.TOKENS_DESCRIPTION,
    params:
        code=digest("pack_shard"),
    log:
        "results/logs/pack_shard/{corpus}/{tokenizer}/{split}-{part}.log",
    benchmark:
        "results/benchmarks/pack_shard/{corpus}/{tokenizer}/{split}-{part}.tsv"
    threads: 2
    resources:
        mem_mb=1500,
        runtime=60,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/pack_shard.py --texts {input.texts} --tokenizer {input.tokenizer}"
        " --output {output.tokens} --threads {threads} > {log} 2>&1"


rule index_tokens:
    input:
        tokens=lambda w: artefacts.of_parts(
            artefacts.TOKENS, CORPORA[w.corpus]["shards"], **w
        ),
        descriptions=lambda w: artefacts.of_parts(
            artefacts.TOKENS_DESCRIPTION, CORPORA[w.corpus]["shards"], **w
        ),
    output:
        index=artefacts.TOKENS_INDEX,
    params:
        shards=lambda w, input: as_json(list(input.descriptions)),
        code=digest("index_tokens"),
    log:
        "results/logs/index_tokens/{corpus}/{tokenizer}/{split}.log",
    benchmark:
        "results/benchmarks/index_tokens/{corpus}/{tokenizer}/{split}.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/index_tokens.py --shards {params.shards:q} --output {output.index} > {log} 2>&1"


def tokens_of_model(split):
    """An input function: the index of a split of the model's corpus, in its tokenizer's tokens."""
    return lambda w: artefacts.TOKENS_INDEX.format(
        corpus=MODELS[w.model]["corpus"],
        tokenizer=MODELS[w.model]["tokenizer"],
        split=split,
    )


def tokenizer_of_model(w):
    """The model's tokenizer.json."""
    return artefacts.TOKENIZER.format(tokenizer=MODELS[w.model]["tokenizer"])
