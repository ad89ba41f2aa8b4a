rule validate_checkpoint:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokens=tokens_of_model("valid"),
    output:
        result=artefacts.VALIDATION,
    params:
        step=lambda w: int(w.step),
        length=lambda w: MODELS[w.model]["training"]["sequence_length"],
        sequences=lambda w: MODELS[w.model]["evaluation"]["sequences"],
        batch=lambda w: MODELS[w.model]["evaluation"]["batch"],
        code=digest("validate_checkpoint"),
    log:
        "results/logs/validate_checkpoint/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/validate_checkpoint/{model}/step-{step}.tsv"
    threads: 2
    resources:
        mem_mb=lambda w: 16000 if MODELS[w.model]["launch"] != "cpu" else 1500,
        runtime=240,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/validate_checkpoint.py --checkpoint {input.checkpoint} --tokens {input.tokens}"
        " --step {params.step} --sequence_length {params.length} --sequences {params.sequences}"
        " --batch {params.batch} --threads {threads} --output {output.result} > {log} 2>&1"


rule measure_yardsticks:
    input:
        train=tokens_of_model("train"),
        valid=tokens_of_model("valid"),
        tokenizer=tokenizer_of_model,
    output:
        result=artefacts.YARDSTICKS,
    params:
        length=lambda w: MODELS[w.model]["training"]["sequence_length"],
        sequences=lambda w: MODELS[w.model]["evaluation"]["sequences"],
        code=digest("measure_yardsticks"),
    log:
        "results/logs/measure_yardsticks/{model}.log",
    benchmark:
        "results/benchmarks/measure_yardsticks/{model}.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/measure_yardsticks.py --train {input.train} --valid {input.valid}"
        " --tokenizer {input.tokenizer} --sequence_length {params.length}"
        " --sequences {params.sequences} --output {output.result} > {log} 2>&1"


rule sample_humaneval:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokenizer=tokenizer_of_model,
    output:
        samples=artefacts.HUMANEVAL_SAMPLES,
    params:
        settings=lambda w: as_json(MODELS[w.model]["evaluation"]["humaneval"]),
        code=digest("sample_humaneval"),
    log:
        "results/logs/sample_humaneval/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/sample_humaneval/{model}/step-{step}.tsv"
    threads: 2
    resources:
        mem_mb=lambda w: 16000 if MODELS[w.model]["launch"] != "cpu" else 1500,
        runtime=240,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/sample_humaneval.py --checkpoint {input.checkpoint} --tokenizer {input.tokenizer}"
        " --settings {params.settings:q} --threads {threads} --output {output.samples} > {log} 2>&1"


rule check_humaneval:
    input:
        samples=rules.sample_humaneval.output.samples,
    output:
        result=artefacts.HUMANEVAL,
    params:
        limits=lambda w: as_json(MODELS[w.model]["evaluation"]["limits"]),
        code=digest("check_humaneval"),
    log:
        "results/logs/check_humaneval/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/check_humaneval/{model}/step-{step}.tsv"
    threads: 2
    resources:
        mem_mb=3000,
        runtime=240,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/check_humaneval.py --samples {input.samples} --limits {params.limits:q}"
        " --workers {threads} --output {output.result} > {log} 2>&1"


rule complete_prompts:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokenizer=tokenizer_of_model,
    output:
        result=artefacts.COMPLETIONS,
    params:
        prompts=as_json(config["prompts"]),
        sampling=lambda w: as_json(MODELS[w.model]["evaluation"]["completions"]),
        code=digest("complete_prompts"),
    log:
        "results/logs/complete_prompts/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/complete_prompts/{model}/step-{step}.tsv"
    threads: 2
    resources:
        mem_mb=lambda w: 16000 if MODELS[w.model]["launch"] != "cpu" else 1500,
        runtime=60,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/complete_prompts.py --checkpoint {input.checkpoint} --tokenizer {input.tokenizer}"
        " --prompts {params.prompts:q} --sampling {params.sampling:q}"
        " --threads {threads} --output {output.result} > {log} 2>&1"
