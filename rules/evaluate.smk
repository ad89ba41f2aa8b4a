rule validate_checkpoint:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokens=lambda w: plan.tokens(w.model, "valid"),
        tokenizer=lambda w: plan.tokenizer_file(w.model),
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
        " --tokenizer {input.tokenizer} --step {params.step} --sequence_length {params.length} --sequences {params.sequences}"
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


rule sample_benchmark:
    input:
        checkpoint=rules.pretrain.output.checkpoint,
        tokenizer=lambda w: plan.tokenizer_file(w.model),
    output:
        samples=artefacts.SAMPLES,
    log:
        "results/logs/sample_benchmark/{model}/step-{step}/{benchmark}-{part}.log",
    benchmark:
        "results/benchmarks/sample_benchmark/{model}/step-{step}/{benchmark}-{part}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        gres=lambda w: plan.gres(plan.one_gpu(w.model)),
        mem_mb=lambda w, attempt: attempt * plan.memory(w.model, on_cpu=3000, on_gpus=16000),
        runtime=lambda w, attempt: attempt * 240,
    params:
        settings=lambda w: as_json(plan.benchmark(w.model, w.benchmark)),
        tasks=lambda w: plan.benchmark_content(w.model, w.benchmark),
        python=lambda w: plan.sampling_python(w.model),
        part=lambda w: numbering.part_of(w.part),
        batch=lambda w: plan.evaluation(w.model, "generation_batch"),
        backend=lambda w: plan.evaluation(w.model, "backend"),
        code=digest("sample_benchmark"),
    shell:
        "{params.python} scripts/sample_benchmark.py --checkpoint {input.checkpoint} --tokenizer {input.tokenizer}"
        " --benchmark {wildcards.benchmark} --settings {params.settings:q} --part {params.part[0]}"
        " --parts {params.part[1]} --batch {params.batch} --backend {params.backend}"
        " --threads {threads} --output {output.samples} > {log} 2>&1"


rule check_benchmark:
    input:
        samples=rules.sample_benchmark.output.samples,
    output:
        verdicts=artefacts.VERDICTS,
    log:
        "results/logs/check_benchmark/{model}/step-{step}/{benchmark}-{part}.log",
    benchmark:
        "results/benchmarks/check_benchmark/{model}/step-{step}/{benchmark}-{part}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 3000,
        runtime=lambda w, attempt: attempt * 240,
    params:
        settings=lambda w: as_json(plan.benchmark(w.model, w.benchmark)),
        limits=lambda w: as_json(plan.evaluation(w.model, "limits")),
        isolation=config["sandbox"],
        code=digest("check_benchmark"),
    shell:
        "python scripts/check_benchmark.py --samples {input.samples} --benchmark {wildcards.benchmark}"
        " --settings {params.settings:q} --limits {params.limits:q} --isolation {params.isolation}"
        " --workers {threads} --output {output.verdicts} > {log} 2>&1"


rule score_benchmark:
    input:
        verdicts=lambda w: plan.verdicts(w.model, w.step, w.benchmark),
    output:
        scores=artefacts.SCORES,
    log:
        "results/logs/score_benchmark/{model}/step-{step}/{benchmark}.log",
    benchmark:
        "results/benchmarks/score_benchmark/{model}/step-{step}/{benchmark}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        verdicts=lambda w, input: as_json(list(input.verdicts)),
        code=digest("score_benchmark"),
    shell:
        "python scripts/score_benchmark.py --verdicts {params.verdicts:q} --output {output.scores} > {log} 2>&1"


rule measure_bleu:
    output:
        result=artefacts.BLEU,
    log:
        "results/logs/measure_bleu.log",
    benchmark:
        "results/benchmarks/measure_bleu.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 3000,
    params:
        isolation=config["sandbox"],
        code=digest("measure_bleu"),
    shell:
        "python scripts/measure_bleu.py --isolation {params.isolation} --workers {threads}"
        " --output {output.result} > {log} 2>&1"


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
        prompts=as_json(plan.prompts),
        settings=lambda w: as_json(plan.evaluation(w.model, "completions")),
        limits=lambda w: as_json(plan.evaluation(w.model, "limits")),
        isolation=config["sandbox"],
        code=digest("complete_prompts"),
    shell:
        "python scripts/complete_prompts.py --checkpoint {input.checkpoint} --tokenizer {input.tokenizer}"
        " --prompts {params.prompts:q} --settings {params.settings:q} --limits {params.limits:q}"
        " --isolation {params.isolation} --threads {threads} --output {output.result} > {log} 2>&1"
