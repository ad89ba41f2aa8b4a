def settings_of(w):
    """The settings of every stage of a model, for its provenance."""
    model = MODELS[w.model]
    tokenizer = TOKENIZERS[model["tokenizer"]]
    return {"model": model, "tokenizer": tokenizer, "corpus": CORPORA[model["corpus"]]}


rule release_model:
    input:
        checkpoint=of_last_checkpoint(artefacts.CHECKPOINT),
        tokenizer=tokenizer_of_model,
        report=rules.report_model.output.report,
        figures=rules.report_model.output.figures,
        train=tokens_of_model("train"),
        valid=tokens_of_model("valid"),
        card=lambda w: artefacts.CORPUS_CARD.format(corpus=MODELS[w.model]["corpus"]),
        initial=rules.initialise_model.output.weights,
    output:
        folder=directory(artefacts.MODEL),
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
        settings=lambda w: as_json(settings_of(w)),
        code=digest("release_model"),
    log:
        "results/logs/release_model/{model}.log",
    benchmark:
        "results/benchmarks/release_model/{model}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/release_model.py --model {wildcards.model} --checkpoint {input.checkpoint}"
        " --tokenizer {input.tokenizer} --report {input.report} --figures {input.figures}"
        " --artefacts {params.artefacts:q} --settings {params.settings:q} --output {output.folder} > {log} 2>&1"
