rule pretrain:
    input:
        begin=lambda w: plan.models[w.model].link_start(w.step),
        data=lambda w: plan.models[w.model].training_files(),
    output:
        checkpoint=report(
            directory(artefacts.CHECKPOINT),
            patterns=["{file}.jsonl"],
            caption="captions/pretraining.rst",
            category="Pretraining",
            labels={"model": "{model}", "updates": "{step}", "shows": "metrics"},
        ),
    log:
        log_of("pretrain/{model}/step-{step}"),
    benchmark:
        timing_of("pretrain/{model}/step-{step}")
    conda:
        "../envs/codeparrot.yaml"
    threads: lambda w: max(2, 2 * plan.models[w.model].resources.gpus)
    resources:
        nodes=lambda w: plan.models[w.model].resources.layout.machines,
        gres=lambda w: plan.models[w.model].resources.training_gres,
        launch=lambda w: str(plan.models[w.model].resources.layout.file),
        save_minutes=str(plan.settings["pretraining"]["save_minutes"]),
        trackers=as_json(plan.settings["pretraining"]["trackers"]),
        mem_mb=lambda w: plan.models[w.model].resources.training_memory,
        runtime=lambda w: plan.models[w.model].link_minutes(w.step),
    params:
        step=lambda w: int(w.step),
        data=lambda w: as_json(plan.models[w.model].training_data()),
        training=lambda w: as_json(plan.models[w.model].training()),
        code=digest("pretrain"),
    shell:
        r"""
        python "$CODEPARROT/scripts/launch.py" {resources.launch:q} "$CODEPARROT/scripts/pretrain.py" \
            --begin {input.begin:q} \
            --end {output.checkpoint:q} \
            --data {params.data:q} \
            --to_step {params.step} \
            --training {params.training:q} \
            --code {params.code} \
            --observation.logs results/logs/pretrain/{wildcards.model}/step-{wildcards.step} \
            --observation.save_minutes {resources.save_minutes} \
            --observation.trackers {resources.trackers:q} \
            --threads 2 \
            2>&1 | tee {log:q}
        """
