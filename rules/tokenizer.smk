rule sample_documents:
    input:
        texts=lambda w: plan.tokenizers[w.tokenizer].texts(w.split),
    output:
        documents=artefacts.DOCUMENTS,
    log:
        log_of("sample_documents/{tokenizer}/{split}"),
    benchmark:
        timing_of("sample_documents/{tokenizer}/{split}")
    wildcard_constraints:
        tokenizer="|".join(plan.trained_tokenizers()),
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(3000),
    params:
        texts=lambda w: plan.tokenizers[w.tokenizer].texts_pattern(w.split),
        shards=lambda w: plan.tokenizers[w.tokenizer].trained_on.shard_count,
        sample=lambda w: as_json(plan.tokenizers[w.tokenizer].sample(w.split)),
        code=digest("sample_documents"),
    shell:
        r"""
        python "$CODEPARROT/scripts/sample_documents.py" \
            --texts {params.texts:q} \
            --shards {params.shards} \
            --sample {params.sample:q} \
            --output {output.documents:q} \
            >{log:q} 2>&1
        """


rule train_tokenizer:
    input:
        documents=artefacts.DOCUMENTS.replace("{split}", "train"),
    output:
        tokenizer=artefacts.TOKENIZER,
        merges=artefacts.MERGES,
        config=artefacts.TOKENIZER_CONFIG,
    log:
        log_of("train_tokenizer/{tokenizer}"),
    benchmark:
        timing_of("train_tokenizer/{tokenizer}")
    wildcard_constraints:
        tokenizer="|".join(plan.trained_tokenizers()),
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=each_attempt(3000),
        runtime=each_attempt(240),
    params:
        settings=lambda w: as_json(plan.tokenizers[w.tokenizer].training()),
        code=digest("train_tokenizer"),
    shell:
        r"""
        python "$CODEPARROT/scripts/train_tokenizer.py" \
            --documents {input.documents:q} \
            --tokenizer {output.tokenizer:q} \
            --merges {output.merges:q} \
            --tokenizer_config {output.config:q} \
            --settings {params.settings:q} \
            --threads {threads} \
            >{log:q} 2>&1
        """


rule import_tokenizer:
    output:
        tokenizer=artefacts.TOKENIZER,
    log:
        log_of("import_tokenizer/{tokenizer}"),
    benchmark:
        timing_of("import_tokenizer/{tokenizer}")
    wildcard_constraints:
        tokenizer="|".join(plan.imported_tokenizers()),
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1000),
    params:
        origin=lambda w: plan.tokenizers[w.tokenizer].origin,
        content=lambda w: plan.tokenizers[w.tokenizer].imported_content(),
        code=digest("import_tokenizer"),
    shell:
        r"""
        python "$CODEPARROT/scripts/import_tokenizer.py" \
            --origin {params.origin:q} \
            --output {output.tokenizer:q} \
            >{log:q} 2>&1
        """


rule analyse_tokenizer:
    input:
        tokenizer=artefacts.TOKENIZER,
        others=lambda w: plan.tokenizers[w.tokenizer].compared(),
        merges=rules.train_tokenizer.output.merges,
        train=artefacts.DOCUMENTS.replace("{split}", "train"),
        valid=artefacts.DOCUMENTS.replace("{split}", "valid"),
    output:
        analysis=artefacts.ANALYSIS,
        page=report(
            artefacts.ANALYSIS_PAGE,
            caption="captions/tokenizer.rst",
            category="Tokenizer",
            labels={"tokenizer": "{tokenizer}", "shows": "its analysis beside others"},
        ),
    log:
        log_of("analyse_tokenizer/{tokenizer}"),
    benchmark:
        timing_of("analyse_tokenizer/{tokenizer}")
    wildcard_constraints:
        tokenizer="|".join(plan.trained_tokenizers()),
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=each_attempt(3000),
    params:
        others=lambda w, input: as_json(list(input.others)),
        training=lambda w: as_json(plan.tokenizers[w.tokenizer].training()),
        settings=lambda w: as_json(plan.tokenizers[w.tokenizer].analysis()),
        code=digest("analyse_tokenizer"),
    shell:
        r"""
        python "$CODEPARROT/scripts/analyse_tokenizer.py" \
            --tokenizer {input.tokenizer:q} \
            --others {params.others:q} \
            --merges {input.merges:q} \
            --train {input.train:q} \
            --valid {input.valid:q} \
            --training {params.training:q} \
            --settings {params.settings:q} \
            --threads {threads} \
            --analysis {output.analysis:q} \
            --page {output.page:q} \
            >{log:q} 2>&1
        """
