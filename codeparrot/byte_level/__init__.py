"""What byte-level tokenizers have in common, whoever trained them: the alphabet, the patterns, and GPT-2's own vocabulary."""
