rule validate_checkpoint:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokens=lambda w: plan.tokens(w.model, "valid"),
    output:
        result=artefacts.VALIDATION,
    log:
        "results/logs/validate_checkpoint/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/validate_checkpoint/{model}/step-{step}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        gres=lambda w: plan.gres(plan.one_gpu(w.model)),
        mem_mb=lambda w, attempt: attempt * plan.memory(w.model, on_cpu=1500, on_gpus=16000),
        runtime=lambda w, attempt: attempt * 240,
    params:
        step=lambda w: int(w.step),
        length=lambda w: plan.length(w.model),
        sequences=lambda w: plan.evaluation(w.model, "sequences"),
        batch=lambda w: plan.evaluation(w.model, "batch"),
        code=digest("validate_checkpoint"),
    shell:
        "python scripts/validate_checkpoint.py --checkpoint {input.checkpoint} --tokens {input.tokens}"
        " --step {params.step} --sequence_length {params.length} --sequences {params.sequences}"
        " --batch {params.batch} --threads {threads} --output {output.result} > {log} 2>&1"


rule measure_yardsticks:
    input:
        train=lambda w: plan.tokens(w.model, "train"),
        valid=lambda w: plan.tokens(w.model, "valid"),
        tokenizer=lambda w: plan.tokenizer_file(w.model),
    output:
        result=artefacts.YARDSTICKS,
    log:
        "results/logs/measure_yardsticks/{model}.log",
    benchmark:
        "results/benchmarks/measure_yardsticks/{model}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1500,
    params:
        length=lambda w: plan.length(w.model),
        sequences=lambda w: plan.evaluation(w.model, "sequences"),
        code=digest("measure_yardsticks"),
    shell:
        "python scripts/measure_yardsticks.py --train {input.train} --valid {input.valid}"
        " --tokenizer {input.tokenizer} --sequence_length {params.length}"
        " --sequences {params.sequences} --output {output.result} > {log} 2>&1"


rule sample_humaneval:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokenizer=lambda w: plan.tokenizer_file(w.model),
    output:
        samples=artefacts.HUMANEVAL_SAMPLES,
    log:
        "results/logs/sample_humaneval/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/sample_humaneval/{model}/step-{step}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        gres=lambda w: plan.gres(plan.one_gpu(w.model)),
        mem_mb=lambda w, attempt: attempt * plan.memory(w.model, on_cpu=1500, on_gpus=16000),
        runtime=lambda w, attempt: attempt * 240,
    params:
        settings=lambda w: as_json(plan.evaluation(w.model, "humaneval")),
        code=digest("sample_humaneval"),
    shell:
        "python scripts/sample_humaneval.py --checkpoint {input.checkpoint} --tokenizer {input.tokenizer}"
        " --settings {params.settings:q} --threads {threads} --output {output.samples} > {log} 2>&1"


rule check_humaneval:
    input:
        samples=rules.sample_humaneval.output.samples,
    output:
        result=artefacts.HUMANEVAL,
    log:
        "results/logs/check_humaneval/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/check_humaneval/{model}/step-{step}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 3000,
        runtime=lambda w, attempt: attempt * 240,
    params:
        limits=lambda w: as_json(plan.evaluation(w.model, "limits")),
        code=digest("check_humaneval"),
    shell:
        "python scripts/check_humaneval.py --samples {input.samples} --limits {params.limits:q}"
        " --workers {threads} --output {output.result} > {log} 2>&1"


rule complete_prompts:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokenizer=lambda w: plan.tokenizer_file(w.model),
    output:
        result=artefacts.COMPLETIONS,
    log:
        "results/logs/complete_prompts/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/complete_prompts/{model}/step-{step}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        gres=lambda w: plan.gres(plan.one_gpu(w.model)),
        mem_mb=lambda w, attempt: attempt * plan.memory(w.model, on_cpu=1500, on_gpus=16000),
    params:
        prompts=as_json(config["prompts"]),
        sampling=lambda w: as_json(plan.evaluation(w.model, "completions")),
        code=digest("complete_prompts"),
    shell:
        "python scripts/complete_prompts.py --checkpoint {input.checkpoint} --tokenizer {input.tokenizer}"
        " --prompts {params.prompts:q} --sampling {params.sampling:q}"
        " --threads {threads} --output {output.result} > {log} 2>&1"
