rule pretrain:
    input:
        begin=lambda w: plan.link_start(w.model, w.step),
        data=lambda w: plan.training_files(w.model),
    output:
        checkpoint=directory(artefacts.CHECKPOINT),
    log:
        "results/logs/pretrain/{model}/step-{step}.log",
    benchmark:
        "results/benchmarks/pretrain/{model}/step-{step}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: lambda w: max(2, 2 * plan.gpus(w.model))
    resources:
        nodes=lambda w: plan.layout(w.model).machines,
        gres=lambda w: plan.gres(plan.gpus(w.model)),
        launch=lambda w: plan.launch(w.model),
        save_minutes=str(config["pretraining"]["save_minutes"]),
        trackers=as_json(config["pretraining"]["trackers"]),
        mem_mb=lambda w: plan.training_memory(w.model),
        runtime=lambda w: plan.training_minutes(w.model, w.step),
    params:
        step=lambda w: int(w.step),
        data=lambda w: as_json(plan.training_data(w.model)),
        training=lambda w: as_json(plan.training(w.model)),
        code=digest("pretrain"),
    shell:
        "python scripts/launch.py {resources.launch} scripts/pretrain.py"
        " --begin {input.begin} --end {output.checkpoint} --data {params.data:q}"
        " --to_step {params.step} --training {params.training:q}"
        " --observation.logs results/logs/pretrain/{wildcards.model}/step-{wildcards.step}"
        " --observation.save_minutes {resources.save_minutes} --observation.trackers {resources.trackers:q}"
        " --threads 2 2>&1 | tee {log}"
