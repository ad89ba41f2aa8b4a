"""A corpus for benchmarks: the Python files in the wheels of widely used packages, as raw shards.

python benchmarks/corpus.py
"""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from jsonargparse import auto_cli

from codeparrot.chance import draw
from codeparrot.corpus.shards import Record, write_records
from codeparrot.progress import progress

PACKAGES = """
aiohttp airflow ansible-core apache-airflow-core astropy biopython bokeh boto3 botocore celery checkov conan coverage
cryptography dask datasets diffusers distributed django djangorestframework faker fastapi flask gensim gradio huggingface-hub
ibis-framework ipython jax jedi jupyterlab keras kubernetes langchain langchain-community lightning litellm llama-index-core
matplotlib mlflow moto mypy networkx nltk notebook numba numpy openai pandas peft pip plotly poetry polars pwntools pydantic
pygments pylint pymatgen pymc pyramid pytest pytorch-lightning ray salt scikit-image scikit-learn scipy scrapy seaborn sentry-
sdk setuptools spacy sphinx sqlalchemy sqlglot statsmodels streamlit stripe sympy tensorflow-cpu timm torch tornado
transformers trl twilio twisted virtualenv vllm wagtail werkzeug xarray yt-dlp zope.interface
""".split()  # noqa: SIM905


def _records(wheel: Path) -> Iterator[Record]:
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.infolist(), key=lambda each: each.filename):
            if member.filename.endswith(".py") and 1024 <= member.file_size <= 1048575:
                try:
                    content = archive.read(member).decode("utf-8")
                except UnicodeDecodeError:
                    continue
                yield Record(wheel.name.split("-")[0].lower(), member.filename, "1", str(member.file_size), content, "unknown")


def main(output: Path = Path("results/benchmark-corpus"), megabytes: int = 500, shards: int = 16) -> None:
    """Download wheels and write raw shards, as BigQuery exports them.

    Args:
        output: Folder of the shards.
        megabytes: Text to stop at.
        shards: How many files.
    """
    parts: list[list[Record]] = [[] for _ in range(shards)]
    size = 0
    with tempfile.TemporaryDirectory() as place:
        for package in progress(PACKAGES, "packages", len(PACKAGES)):
            folder = Path(place, package)
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", package]
            done = subprocess.run([*command, "--dest", str(folder)], capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{package}: left out: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            for wheel in folder.glob("*.whl"):
                for record in _records(wheel):
                    parts[draw(0, record.repo_name, record.path) % shards].append(record)
                    size += int(record.size)
                wheel.unlink()
            if size > megabytes * 1e6:
                break
    for number, part in enumerate(parts):
        write_records(iter(part), output / f"file-{number:012d}.json.gz")
    print(f"{sum(map(len, parts)):,} files, {size / 1e6:.1f} MB of text in {shards} shards")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
