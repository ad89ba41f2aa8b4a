rule train_tokenizer:
    input:
        train=lambda w: artefacts.of_parts(
            artefacts.TRAIN,
            CORPORA[TOKENIZERS[w.tokenizer]["corpus"]]["shards"],
            corpus=TOKENIZERS[w.tokenizer]["corpus"],
        ),
    output:
        tokenizer=artefacts.TOKENIZER,
    params:
        train=lambda w, input: as_json(list(input.train)),
        settings=lambda w: as_json(
            {
                key: value
                for key, value in TOKENIZERS[w.tokenizer].items()
                if key != "corpus"
            }
        ),
        code=digest("train_tokenizer"),
    log:
        "results/logs/train_tokenizer/{tokenizer}.log",
    benchmark:
        "results/benchmarks/train_tokenizer/{tokenizer}.tsv"
    threads: 2
    resources:
        mem_mb=3000,
        runtime=240,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/train_tokenizer.py --train {params.train:q} --output {output.tokenizer}"
        " --settings {params.settings:q} --threads {threads} > {log} 2>&1"
