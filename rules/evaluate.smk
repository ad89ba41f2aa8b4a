rule validate_checkpoint:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokens=lambda w: plan.models[w.model].tokens("valid"),
        tokenizer=lambda w: plan.models[w.model].tokenizer.file,
    output:
        result=report(
            artefacts.VALIDATION,
            caption="captions/validation.rst",
            category="Evaluation",
            labels={"model": "{model}", "updates": "{step}", "shows": "loss on held-out tokens"},
        ),
    log:
        log_of("validate_checkpoint/{model}/step-{step}"),
    benchmark:
        timing_of("validate_checkpoint/{model}/step-{step}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        gres=lambda w: plan.models[w.model].resources.evaluation_gres,
        mem_mb=lambda w, attempt: attempt * plan.models[w.model].resources.memory(on_cpu=1500, on_gpus=16000),
        runtime=each_attempt(240),
    params:
        step=lambda w: int(w.step),
        length=lambda w: plan.models[w.model].length,
        sequences=lambda w: plan.models[w.model].evaluation["sequences"],
        batch=lambda w: plan.models[w.model].evaluation["batch"],
        code=digest("validate_checkpoint"),
    shell:
        r"""
        python "$CODEPARROT/scripts/validate_checkpoint.py" \
            --checkpoint {input.checkpoint:q} \
            --tokens {input.tokens:q} \
            --tokenizer {input.tokenizer:q} \
            --step {params.step} \
            --sequence_length {params.length} \
            --sequences {params.sequences} \
            --batch {params.batch} \
            --threads {threads} \
            --output {output.result:q} \
            >{log:q} 2>&1
        """


rule measure_yardsticks:
    input:
        train=lambda w: plan.models[w.model].tokens("train"),
        valid=lambda w: plan.models[w.model].tokens("valid"),
        tokenizer=lambda w: plan.models[w.model].tokenizer.file,
    output:
        result=artefacts.YARDSTICKS,
    log:
        log_of("measure_yardsticks/{model}"),
    benchmark:
        timing_of("measure_yardsticks/{model}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1500),
    params:
        length=lambda w: plan.models[w.model].length,
        sequences=lambda w: plan.models[w.model].evaluation["sequences"],
        code=digest("measure_yardsticks"),
    shell:
        r"""
        python "$CODEPARROT/scripts/measure_yardsticks.py" \
            --train {input.train:q} \
            --valid {input.valid:q} \
            --tokenizer {input.tokenizer:q} \
            --sequence_length {params.length} \
            --sequences {params.sequences} \
            --output {output.result:q} \
            >{log:q} 2>&1
        """


rule sample_benchmark:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokenizer=lambda w: plan.models[w.model].tokenizer.file,
    output:
        samples=artefacts.SAMPLES,
    log:
        log_of("sample_benchmark/{model}/step-{step}/{benchmark}-{part}"),
    benchmark:
        timing_of("sample_benchmark/{model}/step-{step}/{benchmark}-{part}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        gres=lambda w: plan.models[w.model].resources.evaluation_gres,
        mem_mb=lambda w, attempt: attempt * plan.models[w.model].resources.memory(on_cpu=3000, on_gpus=16000),
        runtime=each_attempt(240),
    params:
        settings=lambda w: as_json(plan.models[w.model].evaluation.benchmark(w.benchmark)),
        tasks=lambda w: plan.models[w.model].evaluation.tasks_content(w.benchmark),
        python=lambda w: plan.models[w.model].evaluation.python(),
        part=lambda w: numbering.part_of(w.part),
        batch=lambda w: plan.models[w.model].evaluation["generation_batch"],
        backend=lambda w: plan.models[w.model].evaluation["backend"],
        code=digest("sample_benchmark"),
    shell:
        r"""
        {params.python} "$CODEPARROT/scripts/sample_benchmark.py" \
            --checkpoint {input.checkpoint:q} \
            --tokenizer {input.tokenizer:q} \
            --benchmark {wildcards.benchmark} \
            --settings {params.settings:q} \
            --part {params.part[0]} \
            --parts {params.part[1]} \
            --batch {params.batch} \
            --backend {params.backend} \
            --threads {threads} \
            --output {output.samples:q} \
            >{log:q} 2>&1
        """


rule check_benchmark:
    input:
        samples=rules.sample_benchmark.output.samples,
    output:
        verdicts=artefacts.VERDICTS,
    log:
        log_of("check_benchmark/{model}/step-{step}/{benchmark}-{part}"),
    benchmark:
        timing_of("check_benchmark/{model}/step-{step}/{benchmark}-{part}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=each_attempt(3000),
        runtime=each_attempt(240),
    params:
        settings=lambda w: as_json(plan.models[w.model].evaluation.benchmark(w.benchmark)),
        limits=lambda w: as_json(plan.models[w.model].evaluation["limits"]),
        isolation=plan.settings["sandbox"],
        code=digest("check_benchmark"),
    shell:
        r"""
        python "$CODEPARROT/scripts/check_benchmark.py" \
            --samples {input.samples:q} \
            --benchmark {wildcards.benchmark} \
            --settings {params.settings:q} \
            --limits {params.limits:q} \
            --isolation {params.isolation} \
            --workers {threads} \
            --output {output.verdicts:q} \
            >{log:q} 2>&1
        """


rule score_benchmark:
    input:
        verdicts=lambda w: plan.models[w.model].evaluation.verdicts(w.step, w.benchmark),
    output:
        scores=report(
            artefacts.SCORES,
            caption="captions/scores.rst",
            category="Evaluation",
            labels={"model": "{model}", "updates": "{step}", "shows": "{benchmark}"},
        ),
    log:
        log_of("score_benchmark/{model}/step-{step}/{benchmark}"),
    benchmark:
        timing_of("score_benchmark/{model}/step-{step}/{benchmark}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1000),
    params:
        verdicts=lambda w, input: as_json(list(input.verdicts)),
        code=digest("score_benchmark"),
    shell:
        r"""
        python "$CODEPARROT/scripts/score_benchmark.py" \
            --verdicts {params.verdicts:q} \
            --output {output.scores:q} \
            >{log:q} 2>&1
        """


rule measure_bleu:
    output:
        result=artefacts.BLEU,
    log:
        log_of("measure_bleu"),
    benchmark:
        timing_of("measure_bleu")
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=each_attempt(3000),
    params:
        isolation=plan.settings["sandbox"],
        code=digest("measure_bleu"),
    shell:
        r"""
        python "$CODEPARROT/scripts/measure_bleu.py" \
            --isolation {params.isolation} \
            --workers {threads} \
            --output {output.result:q} \
            >{log:q} 2>&1
        """


rule complete_prompts:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokenizer=lambda w: plan.models[w.model].tokenizer.file,
    output:
        result=report(
            artefacts.COMPLETIONS,
            caption="captions/completions.rst",
            category="Evaluation",
            labels={"model": "{model}", "updates": "{step}", "shows": "completions"},
        ),
    log:
        log_of("complete_prompts/{model}/step-{step}"),
    benchmark:
        timing_of("complete_prompts/{model}/step-{step}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        gres=lambda w: plan.models[w.model].resources.evaluation_gres,
        mem_mb=lambda w, attempt: attempt * plan.models[w.model].resources.memory(on_cpu=1500, on_gpus=16000),
    params:
        prompts=as_json(plan.prompts),
        settings=lambda w: as_json(plan.models[w.model].evaluation["completions"]),
        limits=lambda w: as_json(plan.models[w.model].evaluation["limits"]),
        isolation=plan.settings["sandbox"],
        code=digest("complete_prompts"),
    shell:
        r"""
        python "$CODEPARROT/scripts/complete_prompts.py" \
            --checkpoint {input.checkpoint:q} \
            --tokenizer {input.tokenizer:q} \
            --prompts {params.prompts:q} \
            --settings {params.settings:q} \
            --limits {params.limits:q} \
            --isolation {params.isolation} \
            --threads {threads} \
            --output {output.result:q} \
            >{log:q} 2>&1
        """
