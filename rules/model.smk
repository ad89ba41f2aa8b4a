rule initialise_model:
    input:
        tokenizer=lambda w: plan.models[w.model].tokenizer.file,
    output:
        weights=directory(artefacts.INITIAL),
    log:
        log_of("initialise_model/{model}"),
    benchmark:
        timing_of("initialise_model/{model}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * plan.models[w.model].resources.memory(on_cpu=1500, on_gpus=16000),
    params:
        architecture=lambda w: as_json(plan.models[w.model].settings["architecture"]),
        seed=lambda w: plan.models[w.model].settings["initial_seed"],
        code=digest("initialise_model"),
    shell:
        r"""
        python "$CODEPARROT/scripts/initialise_model.py" \
            --tokenizer {input.tokenizer:q} \
            --architecture {params.architecture:q} \
            --seed {params.seed} \
            --output {output.weights:q} \
            >{log:q} 2>&1
        """
