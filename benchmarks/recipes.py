"""The book's recipe beside the later one, at equal size, on the demo corpus: training loss update by update, and validation.

With equal batches both see the same sequences in the same order. The demo's config has batches of four, at a rate tried for
these: first give it global_batch, device_batch, steps, checkpoint_every and warmup_steps of the other and learning_rate 2.0e-3.
Then build both models, and draw:

    snakemake results/codeparrot-demo/ results/codeparrot-demo-modern/
    python benchmarks/recipes.py --figure docs/recipes.svg
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
from jsonargparse import auto_cli

MODELS = {"codeparrot-demo": "the book's recipe", "codeparrot-demo-modern": "the later recipe"}


def main(figure: Path) -> None:
    """Compare the recipes.

    Args:
        figure: The SVG file to write.
    """
    found = {name: json.loads(Path(f"results/{model}/metrics.json").read_text()) for model, name in MODELS.items()}
    with plt.rc_context({"svg.hashsalt": "recipes", "svg.fonttype": "none"}):
        drawn, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
        for name, figures in found.items():
            rows = figures["metrics"]
            (line,) = axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], label=f"{name}, training")
            steps, losses = zip(*((row["step"], row["loss"]) for row in figures["validation"]), strict=True)
            axes.plot(steps, losses, "o", color=line.get_color(), label=f"{name}, validation")
        axes.set(xlabel="updates", ylabel="loss (nats a token)")
        axes.legend(frameon=False)
        drawn.savefig(figure, format="svg", metadata={"Date": None})
    book, later = found.values()
    for name, figures in found.items():
        last = figures["validation"][-1]
        speed = sorted(row["tokens_per_second"] for row in figures["metrics"])[len(figures["metrics"]) // 2]
        points = ", ".join(f"{row['loss']:.3f} after {row['step']}" for row in figures["validation"])
        print(f"{name}: {last['parameters']:,} parameters, validation loss {points}; {speed:,.0f} tokens a second")

    # A mean over five lines of metrics, so that one easy batch does not count as having reached a loss.
    def smooth(figures: dict[str, list[dict[str, float]]]) -> list[tuple[float, float]]:
        rows = figures["metrics"]
        return [(rows[end]["step"], sum(row["loss"] for row in rows[end - 4 : end + 1]) / 5) for end in range(4, len(rows))]

    wanted = smooth(book)[-1][1]
    reached = next((step for step, loss in smooth(later) if loss <= wanted), None)
    print(f"the book's recipe ends at a training loss of {wanted:.3f}; the later one is there after {reached} updates")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
