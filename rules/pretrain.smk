def steps_of(model):
    """The updates at which the model's checkpoints are made."""
    return artefacts.checkpoint_steps(MODELS[model]["training"])


def link_start(w):
    """The folder that the link to this checkpoint starts from."""
    if int(w.step) not in steps_of(w.model):
        raise WorkflowError(
            f"results/models/{w.model}/step-{w.step}: no checkpoint of this model; its steps are "
            f"{', '.join(map(artefacts.step_name, steps_of(w.model)))}"
        )
    return artefacts.checkpoint_before(w.model, int(w.step), steps_of(w.model))


rule pretrain:
    input:
        begin=link_start,
        tokens=tokens_of_model("train"),
    output:
        checkpoint=directory(artefacts.CHECKPOINT),
    params:
        step=lambda w: int(w.step),
        training=lambda w: as_json(
            {
                key: value
                for key, value in MODELS[w.model]["training"].items()
                if key != "checkpoint_every"
            }
        ),
        code=digest("pretrain"),
    log:
        "results/logs/pretrain/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/pretrain/{model}/step-{step}.tsv"
    threads: lambda w: max(2, gpus_of(Path("config"), MODELS[w.model]["launch"]))
    resources:
        gpu=lambda w: gpus_of(Path("config"), MODELS[w.model]["launch"]),
        launch=lambda w: f"config/accelerate/{MODELS[w.model]['launch']}.yaml",
        mem_mb=lambda w: 200000 if MODELS[w.model]["launch"] != "cpu" else 3000,
        runtime=1440,
    conda:
        "../envs/codeparrot.yaml"
    shell:
        "accelerate launch --config_file {resources.launch} scripts/pretrain.py"
        " --begin {input.begin} --end {output.checkpoint} --tokens {input.tokens}"
        " --to_step {params.step} --training {params.training:q} --threads 2 2>&1 | tee {log}"
