rule release_model:
    input:
        checkpoint=lambda w: plan.of_last_checkpoint(artefacts.CHECKPOINT, w.model),
        tokenizer=lambda w: plan.tokenizer_file(w.model),
        report=rules.report_model.output.report,
        figures=rules.report_model.output.figures,
        train=lambda w: plan.tokens(w.model, "train"),
        valid=lambda w: plan.tokens(w.model, "valid"),
        card=lambda w: plan.of_corpus(artefacts.CORPUS_CARD, w.model),
        initial=rules.initialise_model.output.weights,
    output:
        folder=directory(artefacts.MODEL),
    log:
        "results/logs/release_model/{model}.log",
    benchmark:
        "results/benchmarks/release_model/{model}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 2000,
    params:
        artefacts=lambda w, input: as_json(
            [
                input.checkpoint,
                input.initial,
                input.tokenizer,
                input.train,
                input.valid,
                input.card,
                input.report,
            ]
        ),
        settings=lambda w: as_json(plan.settings_of(w.model)),
        code=digest("release_model"),
    shell:
        "python scripts/release_model.py --model {wildcards.model} --checkpoint {input.checkpoint}"
        " --tokenizer {input.tokenizer} --report {input.report} --figures {input.figures}"
        " --artefacts {params.artefacts:q} --settings {params.settings:q} --output {output.folder} > {log} 2>&1"
