rule pack_shard:
    input:
        train=artefacts.TRAIN,
        valid=artefacts.VALID,
        tokenizer=rules.train_tokenizer.output.tokenizer,
    output:
        train=artefacts.TOKENS.replace("{split}", "train"),
        train_description=artefacts.TOKENS_DESCRIPTION.replace("{split}", "train"),
        valid=artefacts.TOKENS.replace("{split}", "valid"),
        valid_description=artefacts.TOKENS_DESCRIPTION.replace("{split}", "valid"),
    log:
        log_of("pack_shard/{corpus}/{tokenizer}/{part}"),
    benchmark:
        timing_of("pack_shard/{corpus}/{tokenizer}/{part}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=each_attempt(1500),
    params:
        infilling=lambda w: as_json(plan.tokenizers[w.tokenizer].infilling()),
        code=digest("pack_shard"),
    shell:
        r"""
        python "$CODEPARROT/scripts/pack_shard.py" \
            --train {input.train:q} \
            --valid {input.valid:q} \
            --tokenizer {input.tokenizer:q} \
            --train_tokens {output.train:q} \
            --valid_tokens {output.valid:q} \
            --infilling {params.infilling:q} \
            --threads {threads} \
            >{log:q} 2>&1
        """


rule index_tokens:
    input:
        tokens=lambda w: plan.corpora[w.corpus].parts(artefacts.TOKENS, tokenizer=w.tokenizer, split=w.split),
        descriptions=lambda w: plan.corpora[w.corpus].parts(artefacts.TOKENS_DESCRIPTION, tokenizer=w.tokenizer, split=w.split),
    output:
        index=artefacts.TOKENS_INDEX,
    log:
        log_of("index_tokens/{corpus}/{tokenizer}/{split}"),
    benchmark:
        timing_of("index_tokens/{corpus}/{tokenizer}/{split}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(500),
    params:
        descriptions=lambda w: plan.corpora[w.corpus].pattern(artefacts.TOKENS_DESCRIPTION, tokenizer=w.tokenizer, split=w.split),
        shards=lambda w: plan.corpora[w.corpus].shard_count,
        code=digest("index_tokens"),
    shell:
        r"""
        python "$CODEPARROT/scripts/index_tokens.py" \
            --descriptions {params.descriptions:q} \
            --shards {params.shards} \
            --output {output.index:q} \
            >{log:q} 2>&1
        """
