rule clean_shard:
    input:
        raw=artefacts.RAW,
    output:
        cleaned=artefacts.CLEANED,
        contaminated=artefacts.CONTAMINATED,
        quarantine=artefacts.QUARANTINE,
        counts=artefacts.CLEANED_COUNTS,
    log:
        log_of("clean_shard/{corpus}/{shard}"),
    benchmark:
        timing_of("clean_shard/{corpus}/{shard}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1000),
    params:
        recipe=lambda w: as_json(plan.corpora[w.corpus].recipe()),
        tasks=lambda w: plan.corpora[w.corpus].tasks_content(),
        broken_share=lambda w: plan.corpora[w.corpus].settings["quarantine"],
        code=digest("clean_shard"),
    shell:
        r"""
        python "$CODEPARROT/scripts/clean_shard.py" \
            --raw {input.raw:q} \
            --output {output.cleaned:q} \
            --contaminated {output.contaminated:q} \
            --quarantine {output.quarantine:q} \
            --counts {output.counts:q} \
            --broken_share {params.broken_share} \
            --recipe {params.recipe:q} \
            >{log:q} 2>&1
        """


rule find_duplicates:
    input:
        cleaned=lambda w: plan.corpora[w.corpus].shards(artefacts.CLEANED),
    output:
        duplicates=artefacts.PARTITION_DUPLICATES,
    log:
        log_of("find_duplicates/{corpus}/{partition}"),
    benchmark:
        timing_of("find_duplicates/{corpus}/{partition}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=each_attempt(1000),
    params:
        cleaned=lambda w: plan.corpora[w.corpus].pattern(artefacts.CLEANED),
        shards=lambda w: plan.corpora[w.corpus].shard_count,
        near_duplicates=lambda w: as_json(plan.corpora[w.corpus].near_duplicates()),
        code=digest("find_duplicates"),
    shell:
        r"""
        python "$CODEPARROT/scripts/find_duplicates.py" \
            --cleaned {params.cleaned:q} \
            --shards {params.shards} \
            --partition {wildcards.partition} \
            --near_duplicates {params.near_duplicates:q} \
            --output {output.duplicates:q} \
            >{log:q} 2>&1
        """


rule join_duplicates:
    input:
        partitions=lambda w: plan.corpora[w.corpus].duplicates(),
    output:
        duplicates=artefacts.DUPLICATES,
    log:
        log_of("join_duplicates/{corpus}"),
    benchmark:
        timing_of("join_duplicates/{corpus}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1000),
    params:
        partitions=lambda w, input: as_json(list(input.partitions)),
        code=digest("join_duplicates"),
    shell:
        r"""
        python "$CODEPARROT/scripts/join_duplicates.py" \
            --partitions {params.partitions:q} \
            --output {output.duplicates:q} \
            >{log:q} 2>&1
        """


rule split_shard:
    input:
        cleaned=lambda w: plan.corpora[w.corpus].cleaned_of_part(w.part),
        duplicates=rules.join_duplicates.output.duplicates,
    output:
        train=artefacts.TRAIN,
        valid=artefacts.VALID,
        counts=artefacts.SPLIT_COUNTS,
    log:
        log_of("split_shard/{corpus}/{part}"),
    benchmark:
        timing_of("split_shard/{corpus}/{part}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1500),
    params:
        split=lambda w: as_json(plan.corpora[w.corpus].settings["split"]),
        code=digest("split_shard"),
    shell:
        r"""
        python "$CODEPARROT/scripts/split_shard.py" \
            --cleaned {input.cleaned:q} \
            --duplicates {input.duplicates:q} \
            --part {wildcards.part} \
            --train {output.train:q} \
            --valid {output.valid:q} \
            --counts {output.counts:q} \
            --split {params.split:q} \
            >{log:q} 2>&1
        """


rule describe_corpus:
    input:
        cleaned_counts=lambda w: plan.corpora[w.corpus].shards(artefacts.CLEANED_COUNTS),
        split_counts=lambda w: plan.corpora[w.corpus].parts(artefacts.SPLIT_COUNTS),
        train=lambda w: plan.corpora[w.corpus].parts(artefacts.TRAIN),
        valid=lambda w: plan.corpora[w.corpus].parts(artefacts.VALID),
    output:
        card=artefacts.CORPUS_CARD,
        statistics=artefacts.CORPUS_STATISTICS,
        page=report(
            artefacts.CORPUS_PAGE,
            caption="captions/corpus.rst",
            category="Corpus",
            labels={"corpus": "{corpus}", "shows": "what cleaning took away"},
        ),
        attribution=artefacts.ATTRIBUTION,
    log:
        log_of("describe_corpus/{corpus}"),
    benchmark:
        timing_of("describe_corpus/{corpus}")
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=each_attempt(1000),
    params:
        cleaned_counts=lambda w: plan.corpora[w.corpus].pattern(artefacts.CLEANED_COUNTS),
        split_counts=lambda w: plan.corpora[w.corpus].pattern(artefacts.SPLIT_COUNTS),
        train=lambda w: plan.corpora[w.corpus].pattern(artefacts.TRAIN),
        valid=lambda w: plan.corpora[w.corpus].pattern(artefacts.VALID),
        shards=lambda w: plan.corpora[w.corpus].shard_count,
        code=digest("describe_corpus"),
    shell:
        r"""
        python "$CODEPARROT/scripts/describe_corpus.py" \
            --corpus {wildcards.corpus} \
            --shards {params.shards} \
            --cleaned_counts {params.cleaned_counts:q} \
            --split_counts {params.split_counts:q} \
            --train {params.train:q} \
            --valid {params.valid:q} \
            --card {output.card:q} \
            --figures {output.statistics:q} \
            --page {output.page:q} \
            --attribution {output.attribution:q} \
            >{log:q} 2>&1
        """
