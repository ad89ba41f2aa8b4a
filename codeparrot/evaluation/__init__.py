"""What a checkpoint can do: perplexity, HumanEval, completions."""
