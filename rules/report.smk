def of_checkpoints(pattern):
    """An input function: the files of `pattern` for all checkpoints of the model, in order."""
    return lambda w: [
        pattern.format(model=w.model, step=artefacts.step_name(step))
        for step in steps_of(w.model)
    ]


def of_last_checkpoint(pattern):
    """An input function: the file of `pattern` for the model's last checkpoint."""
    return lambda w: of_checkpoints(pattern)(w)[-1]


rule report_model:
    input:
        validation=of_checkpoints(artefacts.VALIDATION),
        yardsticks=rules.measure_yardsticks.output.result,
        humaneval=of_last_checkpoint(artefacts.HUMANEVAL),
        completions=of_last_checkpoint(artefacts.COMPLETIONS),
        corpus=lambda w: artefacts.CORPUS_STATISTICS.format(
            corpus=MODELS[w.model]["corpus"]
        ),
        checkpoint=of_last_checkpoint(artefacts.CHECKPOINT),
    output:
        report=artefacts.REPORT,
        figures=artefacts.REPORT_FIGURES,
    params:
        validation=lambda w, input: as_json(list(input.validation)),
        code=digest("report_model"),
    log:
        "results/logs/report_model/{model}.log",
    benchmark:
        "results/benchmarks/report_model/{model}.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/report_model.py --model {wildcards.model} --validation {params.validation:q}"
        " --yardsticks {input.yardsticks} --humaneval {input.humaneval} --completions {input.completions}"
        " --corpus {input.corpus} --checkpoint {input.checkpoint}"
        " --output {output.report} --figures {output.figures} > {log} 2>&1"
