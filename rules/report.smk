rule report_model:
    input:
        validation=lambda w: plan.of_checkpoints(artefacts.VALIDATION, w.model),
        yardsticks=rules.measure_yardsticks.output.result,
        scores=lambda w: list(plan.scores(w.model).values()),
        bleu=rules.measure_bleu.output.result,
        completions=lambda w: plan.of_last_checkpoint(artefacts.COMPLETIONS, w.model),
        corpus=lambda w: plan.of_corpus(artefacts.CORPUS_STATISTICS, w.model),
        checkpoint=lambda w: plan.of_last_checkpoint(artefacts.CHECKPOINT, w.model),
        compared=lambda w: plan.compared_files(w.model),
    output:
        report=artefacts.REPORT,
        figures=artefacts.REPORT_FIGURES,
    log:
        "results/logs/report_model/{model}.log",
    benchmark:
        "results/benchmarks/report_model/{model}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        validation=lambda w, input: as_json(list(input.validation)),
        scores=lambda w: as_json(plan.scores(w.model)),
        compared=lambda w: as_json(plan.compared(w.model)),
        code=digest("report_model"),
    shell:
        "python scripts/report_model.py --model {wildcards.model} --validation {params.validation:q}"
        " --yardsticks {input.yardsticks} --scores {params.scores:q} --bleu {input.bleu} --completions {input.completions}"
        " --corpus {input.corpus} --checkpoint {input.checkpoint} --compared {params.compared:q}"
        " --output {output.report} --figures {output.figures} > {log} 2>&1"
