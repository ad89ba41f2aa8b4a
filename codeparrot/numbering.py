"""Names and numbers: of shards of a corpus, parts of a split, partitions of a search, and of the files in a shard.

A script that reads all shards is given their pattern and number, since a list of thousands is too long for a command line.
"""

# A file of a corpus has the number SHARD_NUMBERS * shard + row.
SHARD_NUMBERS = 2**32


def shard_name(number: int) -> str:
    """A raw shard's twelve digits, as in BigQuery's exports."""
    return f"{number:012d}"


def part_name(number: int, shards: int) -> str:
    """A split shard's part, as the Hub names them: 00000-of-00183."""
    return f"{number:05d}-of-{shards:05d}"


def part_of(part: str) -> tuple[int, int]:
    """The number in a part's name, and of how many."""
    number, shards = part.split("-of-")
    return int(number), int(shards)


def part_number(part: str) -> int:
    """The number in a part's name."""
    return part_of(part)[0]


def of_shards(pattern: str, shards: int, **names: str) -> list[str]:
    """A pattern with {shard}, for all shards of a corpus."""
    return [pattern.format(shard=shard_name(number), **names) for number in range(shards)]


def of_parts(pattern: str, shards: int, **names: str) -> list[str]:
    """A pattern with {part}, for all parts of a split."""
    return [pattern.format(part=part_name(number, shards), **names) for number in range(shards)]


def of_partitions(pattern: str, partitions: int, **names: str) -> list[str]:
    """A pattern with {partition}, for all partitions of a search for duplicates."""
    return [pattern.format(partition=part_name(number, partitions), **names) for number in range(partitions)]
