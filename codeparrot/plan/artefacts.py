"""Where every artefact lives: the only place that spells a path under results/.

Patterns hold wildcards in braces; functions name the files of one job or one model.
"""

RAW = "results/corpora/{corpus}/raw/file-{shard}.json.gz"
CLEANED = "results/corpora/{corpus}/cleaned/{shard}.parquet"
QUARANTINE = "results/corpora/{corpus}/quarantine/{shard}.jsonl"
CONTAMINATED = "results/corpora/{corpus}/contaminated/{shard}.jsonl"
CLEANED_COUNTS = "results/corpora/{corpus}/cleaned/{shard}.json"
PARTITION_DUPLICATES = "results/corpora/{corpus}/duplicates/{partition}.parquet"
DUPLICATES = "results/corpora/{corpus}/duplicates.parquet"
TRAIN = "results/corpora/{corpus}/train/train-{part}.parquet"
VALID = "results/corpora/{corpus}/valid/valid-{part}.parquet"
SPLIT_COUNTS = "results/corpora/{corpus}/cleaned/split-{part}.json"
CORPUS_CARD = "results/corpora/{corpus}/README.md"
CORPUS_STATISTICS = "results/corpora/{corpus}/statistics.json"
CORPUS_PAGE = "results/corpora/{corpus}/funnel.html"
ATTRIBUTION = "results/corpora/{corpus}/attribution.parquet"
DOCUMENTS = "results/tokenizers/{tokenizer}/{split}-documents.parquet"
TOKENIZER = "results/tokenizers/{tokenizer}/tokenizer.json"
TOKENIZER_CONFIG = "results/tokenizers/{tokenizer}/tokenizer_config.json"
MERGES = "results/tokenizers/{tokenizer}/merges.txt"
ANALYSIS = "results/tokenizers/{tokenizer}/analysis.json"
ANALYSIS_PAGE = "results/tokenizers/{tokenizer}/analysis.html"
TOKENS = "results/tokens/{corpus}/{tokenizer}/{split}-{part}.bin"
TOKENS_DESCRIPTION = "results/tokens/{corpus}/{tokenizer}/{split}-{part}.json"
TOKENS_INDEX = "results/tokens/{corpus}/{tokenizer}/{split}.json"
INITIAL = "results/models/{model}/init"
CHECKPOINT = "results/models/{model}/step-{step}"
VALIDATION = "results/evaluations/{model}/step-{step}/validation.json"
YARDSTICKS = "results/evaluations/{model}/yardsticks.json"
SAMPLES = "results/evaluations/{model}/step-{step}/{benchmark}/samples-{part}.jsonl"
VERDICTS = "results/evaluations/{model}/step-{step}/{benchmark}/verdicts-{part}.jsonl"
SCORES = "results/evaluations/{model}/step-{step}/{benchmark}/scores.json"
BLEU = "results/evaluations/bleu.json"
COMPLETIONS = "results/evaluations/{model}/step-{step}/completions.json"
REPORT = "results/reports/{model}/report.html"
REPORT_FIGURES = "results/reports/{model}/figures.json"
MODEL = "results/{model}"

RESERVED = ("corpora", "tokenizers", "tokens", "models", "evaluations", "reports", "logs", "timings")


def log_of(job: str) -> str:
    """The log of a job, which is named by its rule and wildcards: clean_shard/{corpus}/{shard}."""
    return f"results/logs/{job}.log"


def timing_of(job: str) -> str:
    """Time and memory that a job took, as Snakemake measures them."""
    return f"results/timings/{job}.tsv"


def checkpoint_steps(steps: int, every: int) -> list[int]:
    """The updates at which a model's checkpoints are made, the last one at the end of the run."""
    return [*range(every, steps, every), steps]


def step_name(step: int) -> str:
    """A step's six digits."""
    return f"{step:06d}"


def checkpoint_before(model: str, step: int, steps: list[int]) -> str:
    """The folder that the link to `step` starts from: the checkpoint before it, or the initial weights."""
    position = steps.index(step)
    if position == 0:
        return INITIAL.format(model=model)
    return CHECKPOINT.format(model=model, step=step_name(steps[position - 1]))
