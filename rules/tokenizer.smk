rule sample_documents:
    input:
        train=lambda w: plan.training_texts(w.tokenizer),
    output:
        documents=artefacts.DOCUMENTS,
    log:
        "results/logs/sample_documents/{tokenizer}.log",
    benchmark:
        "results/benchmarks/sample_documents/{tokenizer}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 3000,
    params:
        train=lambda w: plan.pattern(artefacts.TRAIN, plan.tokenizers[w.tokenizer]["corpus"]),
        shards=lambda w: plan.corpora[plan.tokenizers[w.tokenizer]["corpus"]]["shards"],
        settings=lambda w: as_json(plan.sample(w.tokenizer)),
        code=digest("sample_documents"),
    shell:
        "python scripts/sample_documents.py --train {params.train:q} --shards {params.shards}"
        " --settings {params.settings:q} --output {output.documents} > {log} 2>&1"


rule train_tokenizer:
    input:
        documents=rules.sample_documents.output.documents,
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
        settings=lambda w: as_json(plan.tokenizer_settings(w.tokenizer)),
        code=digest("train_tokenizer"),
    shell:
        "python scripts/train_tokenizer.py --documents {input.documents} --output {output.tokenizer}"
        " --settings {params.settings:q} --threads {threads} > {log} 2>&1"
