rule report_model:
    input:
        validation=lambda w: plan.models[w.model].checkpoints(artefacts.VALIDATION),
        yardsticks=rules.measure_yardsticks.output.result,
        scores=lambda w: list(plan.models[w.model].scores().values()),
        bleu=rules.measure_bleu.output.result,
        completions=lambda w: plan.models[w.model].last_checkpoint(artefacts.COMPLETIONS),
        corpus=lambda w: plan.models[w.model].of_corpus(artefacts.CORPUS_STATISTICS),
        checkpoint=lambda w: plan.models[w.model].last_checkpoint(artefacts.CHECKPOINT),
        compared=lambda w: plan.compared_files(w.model),
    output:
        report=report(
            artefacts.REPORT,
            caption="captions/report.rst",
            category="Report",
            labels={"model": "{model}", "shows": "curves, scores, completions"},
        ),
        figures=artefacts.REPORT_FIGURES,
    log:
        log_of("report_model/{model}"),
    benchmark:
        timing_of("report_model/{model}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1000),
    params:
        validation=lambda w, input: as_json(list(input.validation)),
        scores=lambda w: as_json(plan.models[w.model].scores()),
        compared=lambda w: as_json(plan.compared(w.model)),
        code=digest("report_model"),
    shell:
        r"""
        python "$CODEPARROT/scripts/report_model.py" \
            --model {wildcards.model} \
            --validation {params.validation:q} \
            --yardsticks {input.yardsticks:q} \
            --scores {params.scores:q} \
            --bleu {input.bleu:q} \
            --completions {input.completions:q} \
            --corpus {input.corpus:q} \
            --checkpoint {input.checkpoint:q} \
            --compared {params.compared:q} \
            --output {output.report:q} \
            --figures {output.figures:q} \
            >{log:q} 2>&1
        """
