rule release_model:
    input:
        checkpoint=lambda w: plan.models[w.model].last_checkpoint(artefacts.CHECKPOINT),
        tokenizer=lambda w: plan.models[w.model].tokenizer.file,
        report=rules.report_model.output.report,
        figures=rules.report_model.output.figures,
        train=lambda w: plan.models[w.model].tokens("train"),
        valid=lambda w: plan.models[w.model].tokens("valid"),
        card=lambda w: plan.models[w.model].of_corpus(artefacts.CORPUS_CARD),
        initial=rules.initialise_model.output.weights,
    output:
        folder=report(
            directory(artefacts.MODEL),
            patterns=["{file}.md", "{file,provenance}.json"],
            caption="captions/release.rst",
            category="Release",
            labels={"model": "{model}", "shows": "{file}"},
        ),
    log:
        log_of("release_model/{model}"),
    benchmark:
        timing_of("release_model/{model}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(2000),
    params:
        artefacts=lambda w, input: as_json(
            [input.checkpoint, input.initial, input.tokenizer, input.train, input.valid, input.card, input.report]
        ),
        settings=lambda w: as_json(plan.models[w.model].provenance()),
        code=digest("release_model"),
    shell:
        r"""
        python "$CODEPARROT/scripts/release_model.py" \
            --model {wildcards.model} \
            --checkpoint {input.checkpoint:q} \
            --tokenizer {input.tokenizer:q} \
            --report {input.report:q} \
            --figures {input.figures:q} \
            --artefacts {params.artefacts:q} \
            --settings {params.settings:q} \
            --output {output.folder:q} \
            >{log:q} 2>&1
        """
