rule train_tokenizer:
    input:
        train=lambda w: plan.training_texts(w.tokenizer),
    output:
        tokenizer=artefacts.TOKENIZER,
    log:
        "results/logs/train_tokenizer/{tokenizer}.log",
    benchmark:
        "results/benchmarks/train_tokenizer/{tokenizer}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 3000,
        runtime=lambda w, attempt: attempt * 240,
    params:
        train=lambda w, input: as_json(list(input.train)),
        settings=lambda w: as_json(plan.tokenizer_settings(w.tokenizer)),
        code=digest("train_tokenizer"),
    shell:
        "python scripts/train_tokenizer.py --train {params.train:q} --output {output.tokenizer}"
        " --settings {params.settings:q} --threads {threads} > {log} 2>&1"
