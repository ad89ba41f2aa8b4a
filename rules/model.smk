rule initialise_model:
    input:
        tokenizer=tokenizer_of_model,
    output:
        weights=directory(artefacts.INITIAL),
    params:
        architecture=lambda w: as_json(MODELS[w.model]["architecture"]),
        seed=lambda w: MODELS[w.model]["initial_seed"],
        code=digest("initialise_model"),
    log:
        "results/logs/initialise_model/{model}.log",
    benchmark:
        "results/benchmarks/initialise_model/{model}.tsv"
    threads: 1
    resources:
        mem_mb=lambda w: 16000 if MODELS[w.model]["launch"] != "cpu" else 1500,
        runtime=60,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "python scripts/initialise_model.py --tokenizer {input.tokenizer}"
        " --architecture {params.architecture:q} --seed {params.seed} --output {output.weights} > {log} 2>&1"
