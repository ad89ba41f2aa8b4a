"""One shard cleaned, duplicates over all shards, splits: what stays does not depend on order, number of jobs or repetition."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeparrot.cleaning import shard as shard_module
from codeparrot.cleaning.card import write_attribution
from codeparrot.cleaning.clusters import join_duplicates
from codeparrot.cleaning.duplicates import find_duplicates
from codeparrot.cleaning.filters import Filters
from codeparrot.cleaning.shard import Recipe, clean_records, text_hash
from codeparrot.cleaning.signatures import NearDuplicates, signatures
from codeparrot.cleaning.splits import SplitSettings, is_validation, split_shard
from codeparrot.corpus.shards import Record
from codeparrot.errors import PipelineError
from tests.conftest import record

OPEN = Recipe(Filters(min_bytes=1, min_alphanumeric=0, drop_config_or_test=0, drop_no_keywords=0, min_assignments=0))
USUAL = Recipe(Filters(min_bytes=100))


def cleaned(folder: Path, name: str, records: Sequence[Record], recipe: Recipe = OPEN) -> Path:
    file = folder / f"{name}.parquet"
    clean_records(records, recipe, file, folder / f"{name}.jsonl")
    return file


def clusters(folder: Path, shards: Sequence[Path], partitions: int = 1, jaccard: float | None = 0.85) -> pl.DataFrame:
    parts = [folder / f"pairs-{number}-of-{partitions}" for number in range(partitions)]
    for number, part in enumerate(parts):
        find_duplicates(shards, number, partitions, jaccard, part)
    join_duplicates(parts, folder / "clusters.parquet")
    return pl.read_parquet(folder / "clusters.parquet")


def kept_files(folder: Path, shards: Sequence[Path], partitions: int = 1) -> list[Record]:
    """What a whole cleaning keeps, in the order of names."""
    found = clusters(folder, shards, partitions)
    removed = found.filter(pl.col("removed_as").is_not_null()).select("repo_name", "path")
    rows = pl.concat([pl.read_parquet(shard) for shard in shards]).join(removed, on=["repo_name", "path"], how="anti")
    columns = list(Record.__annotations__)
    text = rows.with_columns(pl.col("copies", "size").cast(pl.String)).select(columns).sort("repo_name", "path")
    return [Record(**row) for row in text.to_dicts()]


def words(count: int, first: int = 0) -> str:
    return "\n".join(f"name_{number} = 1" for number in range(first, first + count))


def near_copy(text: str, seed: int, share: float) -> str:
    """A text with so many of its lines changed."""
    chance = random.Random(seed)
    return "\n".join(f"other_{seed}_{n} = 1" if chance.random() < share else line for n, line in enumerate(text.split("\n")))


@pytest.fixture
def corpus(sources: list[str]) -> list[Record]:
    """Real files, copies with other white space and near copies of them, and some with addresses and keys."""
    texts = [
        *sources,
        *(text.replace("    ", "\t") for text in sources[:5]),
        *(near_copy(text, 1, 0.02) for text in sources[5:15]),
    ]
    texts += [
        f'{text}\n# by somebody@somewhere.org\nsecret_token = "a8f5f167f44f4964e6c998dee827110c"\n' for text in sources[15:20]
    ]
    return [record(text, f"repository-{number % 7}", f"{number}.py") for number, text in enumerate(texts)]


def test_white_space_does_not_count_for_exact_duplicates() -> None:
    assert text_hash("a = 1\n") == text_hash("a  =\t1") != text_hash("a = 2\n")


@given(st.text())
def test_the_text_that_is_hashed_is_the_one_without_what_str_split_takes_for_white_space(text: str) -> None:
    assert text_hash(text) == text_hash("".join(text.split()))


def test_the_first_name_of_a_duplicate_stays_in_any_order_of_shards(tmp_path: Path) -> None:
    one = cleaned(tmp_path, "one", [record("same = 1", "b", "x.py"), record("other = 1", "c", "y.py")])
    two = cleaned(tmp_path, "two", [record("same  = 1", "a", "z.py")])
    for order in ([one, two], [two, one]):
        found = clusters(tmp_path, order).sort("repo_name")
        assert found["repo_name"].to_list() == ["a", "b"] and found["removed_as"].to_list() == [None, "duplicate"]
        assert order[found["shard"][1]] == one and found["row"][1] == 0


# 100 names of which k are replaced: Jaccard (100 - k) / (100 + k); 8 gives 0.852, 9 gives 0.835. "1" is in both sets.
@pytest.mark.parametrize(("changed", "is_near"), [(8, True), (9, False)])
def test_near_duplicates_begin_at_the_threshold(tmp_path: Path, changed: int, is_near: bool) -> None:
    others = [f"{words(100 - changed)}\n{words(changed, 1000 * number)}" for number in range(1, 41)]
    pairs = [(words(100).replace("name", f"name{n}"), text.replace("name", f"name{n}")) for n, text in enumerate(others)]
    rows = [record(text, f"{n:02d}", f"{side}.py") for n, pair in enumerate(pairs) for side, text in enumerate(pair)]
    removed = clusters(tmp_path, [cleaned(tmp_path, "one", rows)])["removed_as"].drop_nulls().to_list()
    assert set(removed) <= {"near_duplicate"} and (len(removed) >= 36 if is_near else not removed)


def test_a_file_with_few_identifiers_has_no_near_duplicate(tmp_path: Path) -> None:
    for count, expected in ((4, 0), (5, 1)):
        texts = [words(count), words(count).replace("=", "+=")]
        shard = cleaned(tmp_path, "one", [record(text, path=f"{number}.py") for number, text in enumerate(texts)])
        assert clusters(tmp_path, [shard])["removed_as"].drop_nulls().len() == expected


def test_one_file_of_a_chain_of_near_duplicates_stays(tmp_path: Path) -> None:
    texts = ["\n".join(f"name_{number} = 1" for number in range(5 * link, 100 + 5 * link)) for link in range(4)]
    shard = cleaned(tmp_path, "one", [record(text, path=f"{number}.py") for number, text in enumerate(texts)])
    found = clusters(tmp_path, [shard])
    assert found["cluster"].n_unique() == 1 and found.filter(pl.col("removed_as").is_null())["path"].to_list() == ["0.py"]


def test_copies_with_other_white_space_and_near_copies_of_one_file_are_one_cluster(tmp_path: Path) -> None:
    text = words(100)
    texts = [
        text,
        near_copy(text, 1, 0.03),
        text.replace(" = ", "="),
        near_copy(text, 2, 0.03).replace(" = ", "=\t"),
        text + "\n\n",
    ]
    shards = [cleaned(tmp_path, f"{number}", [record(each, path=f"{number}.py")]) for number, each in enumerate(texts)]
    found = clusters(tmp_path, shards, partitions=3)
    assert found["cluster"].to_list() == [0] * 5
    assert found["removed_as"].to_list() == [None, "near_duplicate", "duplicate", "near_duplicate", "duplicate"]


def test_no_two_files_that_stay_are_near_duplicates_of_each_other(tmp_path: Path, corpus: list[Record]) -> None:
    shard = cleaned(tmp_path, "one", corpus)
    removed = clusters(tmp_path, [shard]).filter(pl.col("removed_as").is_not_null())["path"].to_list()
    staying = pl.read_parquet(shard).filter(~pl.col("path").is_in(removed))["identifiers"].to_list()
    sets = [set(each) for each in staying if each]
    similar = [len(a & b) / len(a | b) for number, a in enumerate(sets) for b in sets[:number]]
    assert len(removed) >= 15 and max(similar) < 0.85


def test_at_least_95_percent_of_all_similar_pairs_are_found() -> None:
    copies = [f"{words(92)}\n{words(8, 1000 * number)}" for number in range(1, 21)]
    texts = [text.replace("name", f"name{n}") for n in range(30) for text in [words(100), *copies]]
    rows = signatures(pl.Series(texts), NearDuplicates()).to_dicts()
    sets = [(set(row["identifiers"]), set(row["bands"])) for row in rows]
    pairs = [(a, b) for number, a in enumerate(sets) for b in sets[:number]]
    similar = [bool(a[1] & b[1]) for a, b in pairs if len(a[0] & b[0]) / len(a[0] | b[0]) >= 0.85]
    assert len(similar) == 6300 and sum(similar) / len(similar) >= 0.95


def test_any_number_of_partitions_finds_the_same_clusters(tmp_path: Path, corpus: list[Record]) -> None:
    shard = cleaned(tmp_path, "one", corpus)
    assert clusters(tmp_path, [shard]).equals(clusters(tmp_path, [shard], partitions=7))


def test_without_near_duplicates_only_equal_files_are_removed(tmp_path: Path, corpus: list[Record]) -> None:
    shard = cleaned(tmp_path, "one", corpus, replace(OPEN, near_duplicates=None))
    assert clusters(tmp_path, [shard], jaccard=None)["removed_as"].drop_nulls().to_list() == ["duplicate"] * 5


def test_order_and_division_into_shards_change_nothing(tmp_path: Path, corpus: list[Record]) -> None:
    whole = kept_files(tmp_path, [cleaned(tmp_path, "whole", corpus, USUAL)])
    shuffled = random.Random(1).sample(corpus, len(corpus))
    parts = [cleaned(tmp_path, f"part-{number}", shuffled[number::4], USUAL) for number in range(4)]
    assert whole == kept_files(tmp_path, parts, partitions=3) and 20 < len(whole) < len(corpus)


def test_a_job_that_was_killed_half_way_leaves_nothing_and_gives_the_same_bytes_when_run_again(
    tmp_path: Path, corpus: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_module, "BATCH_ROWS", 8)  # so that some were written before
    straight = cleaned(tmp_path, "straight", corpus)

    def killed() -> Iterator[Record]:
        yield from corpus[: len(corpus) // 2]
        raise KeyboardInterrupt

    output, listed = tmp_path / "killed.parquet", tmp_path / "killed.jsonl"
    with pytest.raises(KeyboardInterrupt):
        clean_records(killed(), OPEN, output, listed)
    assert not list(tmp_path.glob("*killed*"))
    assert cleaned(tmp_path, "killed", corpus).read_bytes() == straight.read_bytes()


def test_cleaning_what_is_clean_changes_nothing(tmp_path: Path, corpus: list[Record]) -> None:
    once = kept_files(tmp_path, [cleaned(tmp_path, "once", corpus, USUAL)])
    twice = kept_files(tmp_path, [cleaned(tmp_path, "twice", once, USUAL)])
    assert once == twice and any("<EMAIL>" in each.content and "<PASSWORD>" in each.content for each in once)


def test_a_file_that_is_too_short_without_its_secret_is_dropped(tmp_path: Path) -> None:
    text = "#" * 80 + "\n# somebody@somewhere.org"
    figures = clean_records(
        [record(text)], replace(OPEN, filters=replace(OPEN.filters, min_bytes=100)), tmp_path / "a", tmp_path / "b"
    )
    assert dict(figures.files) == {"size": 1} and dict(figures.secrets) == {"email": 1}


def test_a_corpus_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="the corpus is empty: no file of its 1 shards passed the filters; loosen"):
        clusters(tmp_path, [cleaned(tmp_path, "none", [])])


def test_figures_say_what_each_step_removed(tmp_path: Path) -> None:
    texts = ["x = 1\n" * 300, "x", "# autogenerated\n" * 100]
    recipe = Recipe(Filters(drop_no_keywords=0))
    figures = clean_records(map(record, texts), recipe, tmp_path / "out.parquet", tmp_path / "contaminated.jsonl")
    assert figures.files == {"generated": 1, "kept": 1, "size": 1}
    assert figures.bytes == {"generated": 1600, "kept": 1800, "size": 1}


def test_every_kept_file_is_on_exactly_one_side_and_no_repository_on_both(tmp_path: Path) -> None:
    rows = [record(f"value = {number}", f"repository-{number // 3}", f"{number}.py") for number in range(90)]
    file = cleaned(tmp_path, "one", [*rows, record("value = 1", "repository-0", "zz.py")])
    clusters(tmp_path, [file])
    paths = [tmp_path / "train.parquet", tmp_path / "valid.parquet"]
    figures = split_shard(file, tmp_path / "clusters.parquet", 0, 1, SplitSettings(valid_share=0.3), *paths)
    train, valid = map(pl.read_parquet, paths)
    assert sorted([*train["path"], *valid["path"]]) == sorted(each.path for each in rows)
    assert not set(train["repo_name"]) & set(valid["repo_name"])
    assert len(train) and len(valid) and train.columns == ["repo_name", "path", "copies", "size", "content", "license"]
    assert figures["files"] == {"duplicate": 1, "near_duplicate": 0, "train": len(train), "valid": len(valid)}
    assert orjson.dumps(figures)


def test_the_last_shard_is_validation_where_that_is_the_rule(tmp_path: Path) -> None:
    files = [cleaned(tmp_path, f"shard-{shard}", [record(f"value = {shard}", path=f"{shard}.py")]) for shard in range(3)]
    clusters(tmp_path, files)
    paths = [tmp_path / "train.parquet", tmp_path / "valid.parquet"]
    sides = []
    for shard, file in enumerate(files):
        split_shard(file, tmp_path / "clusters.parquet", shard, 3, SplitSettings("last_shard"), *paths)
        sides.append([len(pl.read_parquet(path)) for path in paths])
    assert sides == [[1, 0], [1, 0], [0, 1]]


@given(st.text(), st.floats(0.01, 0.5))
def test_a_larger_share_never_takes_a_repository_out_of_validation(name: str, share: float) -> None:
    if is_validation(name, SplitSettings(valid_share=share)):
        assert is_validation(name, SplitSettings(valid_share=share * 2))


def test_a_threshold_without_a_banding_is_refused() -> None:
    with pytest.raises(ValueError, match="no banding of 256 permutations"):
        NearDuplicates(jaccard=0.001, recall=0.99)


def test_every_kept_file_is_attributed(tmp_path: Path) -> None:
    sides = [[cleaned(tmp_path, name, [record("a = 1", "one", f"{name}.py")])] for name in ("train", "valid")]
    write_attribution(sides[0], sides[1], tmp_path / "attribution.parquet")
    assert pl.read_parquet(tmp_path / "attribution.parquet").rows() == [
        ("train", "one", "train.py", "mit"),
        ("validation", "one", "valid.py", "mit"),
    ]
