rule clean_shard:
    input:
        raw=artefacts.RAW,
    output:
        cleaned=artefacts.CLEANED,
        contaminated=artefacts.CONTAMINATED,
        quarantine=artefacts.QUARANTINE,
        counts=artefacts.CLEANED_COUNTS,
    log:
        "results/logs/clean_shard/{corpus}/{shard}.log",
    benchmark:
        "results/benchmarks/clean_shard/{corpus}/{shard}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        recipe=lambda w: as_json(plan.recipe(w.corpus)),
        benchmarks=lambda w: plan.benchmark_files(w.corpus),
        broken_share=lambda w: plan.corpora[w.corpus].get("quarantine", 0.01),
        code=digest("clean_shard"),
    shell:
        "python scripts/clean_shard.py --raw {input.raw} --output {output.cleaned} --contaminated {output.contaminated}"
        " --quarantine {output.quarantine} --counts {output.counts} --broken_share {params.broken_share}"
        " --recipe {params.recipe:q} > {log} 2>&1"


rule find_duplicates:
    input:
        cleaned=lambda w: plan.shards(artefacts.CLEANED, w.corpus),
    output:
        duplicates=artefacts.PARTITION_DUPLICATES,
    log:
        "results/logs/find_duplicates/{corpus}/{partition}.log",
    benchmark:
        "results/benchmarks/find_duplicates/{corpus}/{partition}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 2
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        cleaned=lambda w: plan.pattern(artefacts.CLEANED, w.corpus),
        shards=lambda w: plan.corpora[w.corpus]["shards"],
        jaccard=lambda w: as_json(plan.jaccard(w.corpus)),
        code=digest("find_duplicates"),
    shell:
        "python scripts/find_duplicates.py --cleaned {params.cleaned:q} --shards {params.shards}"
        " --partition {wildcards.partition} --jaccard {params.jaccard}"
        " --output {output.duplicates} > {log} 2>&1"


rule join_duplicates:
    input:
        partitions=lambda w: plan.duplicates(w.corpus),
    output:
        duplicates=artefacts.DUPLICATES,
    log:
        "results/logs/join_duplicates/{corpus}.log",
    benchmark:
        "results/benchmarks/join_duplicates/{corpus}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        partitions=lambda w, input: as_json(list(input.partitions)),
        code=digest("join_duplicates"),
    shell:
        "python scripts/join_duplicates.py --partitions {params.partitions:q} --output {output.duplicates} > {log} 2>&1"


rule split_shard:
    input:
        cleaned=lambda w: artefacts.CLEANED.format(corpus=w.corpus, shard=numbering.shard_name(numbering.part_number(w.part))),
        duplicates=rules.join_duplicates.output.duplicates,
    output:
        train=artefacts.TRAIN,
        valid=artefacts.VALID,
        counts=artefacts.SPLIT_COUNTS,
    log:
        "results/logs/split_shard/{corpus}/{part}.log",
    benchmark:
        "results/benchmarks/split_shard/{corpus}/{part}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1500,
    params:
        split=lambda w: as_json(plan.corpora[w.corpus]["split"]),
        code=digest("split_shard"),
    shell:
        "python scripts/split_shard.py --cleaned {input.cleaned} --duplicates {input.duplicates}"
        " --part {wildcards.part} --train {output.train} --valid {output.valid}"
        " --counts {output.counts} --split {params.split:q} > {log} 2>&1"


rule describe_corpus:
    input:
        cleaned_counts=lambda w: plan.shards(artefacts.CLEANED_COUNTS, w.corpus),
        split_counts=lambda w: plan.parts(artefacts.SPLIT_COUNTS, w.corpus),
        train=lambda w: plan.parts(artefacts.TRAIN, w.corpus),
        valid=lambda w: plan.parts(artefacts.VALID, w.corpus),
    output:
        card=artefacts.CORPUS_CARD,
        statistics=artefacts.CORPUS_STATISTICS,
        page=artefacts.CORPUS_PAGE,
        attribution=artefacts.ATTRIBUTION,
    log:
        "results/logs/describe_corpus/{corpus}.log",
    benchmark:
        "results/benchmarks/describe_corpus/{corpus}.tsv"
    conda:
        "../envs/codeparrot.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt * 1000,
    params:
        cleaned_counts=lambda w: plan.pattern(artefacts.CLEANED_COUNTS, w.corpus),
        split_counts=lambda w: plan.pattern(artefacts.SPLIT_COUNTS, w.corpus),
        train=lambda w: plan.pattern(artefacts.TRAIN, w.corpus),
        valid=lambda w: plan.pattern(artefacts.VALID, w.corpus),
        shards=lambda w: plan.corpora[w.corpus]["shards"],
        code=digest("describe_corpus"),
    shell:
        "python scripts/describe_corpus.py --corpus {wildcards.corpus} --shards {params.shards}"
        " --cleaned_counts {params.cleaned_counts:q} --split_counts {params.split_counts:q}"
        " --train {params.train:q} --valid {params.valid:q}"
        " --card {output.card} --figures {output.statistics} --page {output.page} --attribution {output.attribution}"
        " > {log} 2>&1"
