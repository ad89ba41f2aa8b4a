rule sample_documents:
    input:
        texts=lambda w: plan.sampled_texts(w.tokenizer, w.split),
    output:
        documents=artefacts.DOCUMENTS,
    log:
        "results/logs/sample_documents/{tokenizer}/{split}.log",
    benchmark:
        "results/benchmarks/sample_documents/{tokenizer}/{split}.tsv"
    wildcard_constraints:
        tokenizer="|".join(plan.trained_tokenizers()),
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 3000,
    params:
        texts=lambda w: plan.sampled_pattern(w.tokenizer, w.split),
        shards=lambda w: plan.corpora[plan.tokenizers[w.tokenizer]["corpus"]]["shards"],
        sample=lambda w: as_json(plan.sample(w.tokenizer, w.split)),
        code=digest("sample_documents"),
    shell:
        "python scripts/sample_documents.py --texts {params.texts:q} --shards {params.shards}"
        " --sample {params.sample:q} --output {output.documents} > {log} 2>&1"


rule train_tokenizer:
    input:
        documents=artefacts.DOCUMENTS.replace("{split}", "train"),
    output:
        tokenizer=artefacts.TOKENIZER,
        merges=artefacts.MERGES,
        config=artefacts.TOKENIZER_CONFIG,
    log:
        "results/logs/train_tokenizer/{tokenizer}.log",
    benchmark:
        "results/benchmarks/train_tokenizer/{tokenizer}.tsv"
    wildcard_constraints:
        tokenizer="|".join(plan.trained_tokenizers()),
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
        "python scripts/train_tokenizer.py --documents {input.documents} --tokenizer {output.tokenizer}"
        " --merges {output.merges} --tokenizer_config {output.config}"
        " --settings {params.settings:q} --threads {threads} > {log} 2>&1"


rule import_tokenizer:
    output:
        tokenizer=artefacts.TOKENIZER,
    log:
        "results/logs/import_tokenizer/{tokenizer}.log",
    benchmark:
        "results/benchmarks/import_tokenizer/{tokenizer}.tsv"
    wildcard_constraints:
        tokenizer="|".join(plan.imported_tokenizers()),
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        origin=lambda w: plan.tokenizers[w.tokenizer]["import"],
        content=lambda w: plan.imported_content(w.tokenizer),
        code=digest("import_tokenizer"),
    shell:
        "python scripts/import_tokenizer.py --origin {params.origin:q} --output {output.tokenizer} > {log} 2>&1"


rule analyse_tokenizer:
    input:
        tokenizer=artefacts.TOKENIZER,
        others=lambda w: plan.compared_tokenizers(w.tokenizer),
        merges=rules.train_tokenizer.output.merges,
        train=artefacts.DOCUMENTS.replace("{split}", "train"),
        valid=artefacts.DOCUMENTS.replace("{split}", "valid"),
    output:
        analysis=artefacts.ANALYSIS,
        page=artefacts.ANALYSIS_PAGE,
    log:
        "results/logs/analyse_tokenizer/{tokenizer}.log",
    benchmark:
        "results/benchmarks/analyse_tokenizer/{tokenizer}.tsv"
    wildcard_constraints:
        tokenizer="|".join(plan.trained_tokenizers()),
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 3000,
    params:
        others=lambda w, input: as_json(list(input.others)),
        pre_tokenizer=lambda w: plan.tokenizer_settings(w.tokenizer)["pre_tokenizer"],
        settings=lambda w: as_json(plan.analysis(w.tokenizer)),
        code=digest("analyse_tokenizer"),
    shell:
        "python scripts/analyse_tokenizer.py --tokenizer {input.tokenizer} --others {params.others:q}"
        " --merges {input.merges} --pre_tokenizer {params.pre_tokenizer} --train {input.train} --valid {input.valid}"
        " --settings {params.settings:q} --threads {threads}"
        " --analysis {output.analysis} --page {output.page} > {log} 2>&1"
