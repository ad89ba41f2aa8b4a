rule initialise_model:
    input:
        tokenizer=lambda w: plan.tokenizer_file(w.model),
    output:
        weights=directory(artefacts.INITIAL),
    log:
        "results/logs/initialise_model/{model}.log",
    benchmark:
        "results/benchmarks/initialise_model/{model}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * plan.memory(w.model, on_cpu=1500, on_gpus=16000),
    params:
        architecture=lambda w: as_json(plan.models[w.model]["architecture"]),
        seed=lambda w: plan.models[w.model]["initial_seed"],
        code=digest("initialise_model"),
    shell:
        "python scripts/initialise_model.py --tokenizer {input.tokenizer}"
        " --architecture {params.architecture:q} --seed {params.seed} --output {output.weights} > {log} 2>&1"
