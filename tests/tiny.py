"""Config files of a tiny corpus, tokenizer and model."""

CORPUS = "source: {kind: installed-packages, min_bytes: 20000, max_bytes: 24000}\nshards: 2\nsplit: {valid_share: 0.4, seed: 1}\n"
TOKENIZER = "corpus: tiny\nvocabulary: 1000\ndocuments: 50\n"
MODEL = """corpus: tiny
tokenizer: tiny
architecture: {model_type: gpt2, n_positions: 32, n_embd: 16, n_layer: 1, n_head: 2}
launch: cpu
training:
  sequence_length: 32
  global_batch: 4
  device_batch: 2
  steps: 5
  checkpoint_every: 3
  learning_rate: 1.0e-3  # a comment
  warmup_steps: 2
  precision: fp32
  log_every: 1
evaluation:
  sequences: 20
  benchmarks:
    humaneval: {problems: 3, samples: 2, temperatures: [0.2, 0.8], max_new_tokens: 4, parts: 2}
  completions: {samples: 1, sampling: {max_new_tokens: 4}}
"""
