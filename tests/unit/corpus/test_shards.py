"""Raw shards: what is read is what was written; broken records are named with their place, and refused or set aside."""

import gzip
import io
import json
from pathlib import Path

import pytest

from codeparrot.corpus.shards import Broken, _lines, read_records, write_quarantine, write_records
from codeparrot.errors import PipelineError
from tests.conftest import record

GOOD = {"repo_name": "a/b", "path": "c.py", "copies": "1", "size": "9", "content": "x = 'é\u2028'\n", "license": "mit"}


def shard_of(folder: Path, *lines: object) -> Path:
    file = folder / "file-000000000000.json.gz"
    file.write_bytes(gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))
    return file


def message_of(file: Path) -> str:
    with pytest.raises(PipelineError) as caught:
        list(read_records(file))
    return str(caught.value)


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    records = [record("print(1)\r\n"), record("# ünïcode \u2028 ☃\n", path="x/y.py")]
    assert write_records(records, tmp_path / "s.json.gz") == 2
    assert list(read_records(tmp_path / "s.json.gz")) == records


def test_the_same_records_give_the_same_bytes_under_any_name_at_any_time(tmp_path: Path) -> None:
    for name in ("a.json.gz", "b.json.gz"):
        write_records([record("print(1)\n")], tmp_path / name)
    assert (tmp_path / "a.json.gz").read_bytes()[4:8] == bytes(4), "gzip's time stamp"
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


def test_numbers_are_accepted_where_bigquery_writes_strings(tmp_path: Path) -> None:
    (found,) = read_records(shard_of(tmp_path, {**GOOD, "copies": 3, "size": 9}))
    assert (found.copies, found.size) == ("3", "9")


def test_a_file_that_is_not_gzip_is_named(tmp_path: Path) -> None:
    file = tmp_path / "plain.json.gz"
    file.write_text(json.dumps(GOOD))
    assert str(file) in (message := message_of(file)) and "not gzip" in message


def test_a_gzip_that_is_cut_off_is_named_with_its_last_line(tmp_path: Path) -> None:
    file = shard_of(tmp_path, *[{**GOOD, "path": str(number)} for number in range(5000)])
    file.write_bytes(file.read_bytes()[:-20])
    assert "cut off" in (message := message_of(file)) and "after line" in message


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    file = shard_of(tmp_path, *[{**GOOD, "path": str(number)} for number in range(5000)])
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data))
    assert str(file) in message_of(file)


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    file = tmp_path / "s.json.gz"
    file.write_bytes(gzip.compress(json.dumps(GOOD).encode() + b"\n{oops\n"))
    assert f"{file}, line 2: not JSON" in message_of(file)


@pytest.mark.parametrize("column", list(GOOD))
def test_a_record_without_a_column_is_named(tmp_path: Path, column: str) -> None:
    broken = {key: value for key, value in GOOD.items() if key != column}
    assert f"line 2: no column '{column}'" in message_of(shard_of(tmp_path, GOOD, broken))


@pytest.mark.parametrize("content", [None, 3, ["x"]])
def test_content_that_is_not_text_is_named(tmp_path: Path, content: object) -> None:
    assert "line 1: column 'content' is" in message_of(shard_of(tmp_path, {**GOOD, "content": content}))


def test_a_size_that_is_no_number_is_named(tmp_path: Path) -> None:
    assert "column 'size' is 'many'" in message_of(shard_of(tmp_path, {**GOOD, "size": "many"}))


def test_a_nul_byte_is_named_without_the_content(tmp_path: Path) -> None:
    message = message_of(shard_of(tmp_path, {**GOOD, "content": "secret\0"}))
    assert "line 1: column 'content' holds a NUL byte" in message and "secret" not in message


BROKEN = [
    b"{oops",
    b"\xff\xfe",
    b"[1]",
    json.dumps({**GOOD, "content": None}).encode(),
    json.dumps({**GOOD, "size": "x"}).encode(),
]


def test_a_few_broken_records_are_set_aside_with_line_and_reason(tmp_path: Path) -> None:
    file = tmp_path / "s.json.gz"
    lines = [json.dumps({**GOOD, "path": str(number)}).encode() for number in range(95)]
    for place, line in enumerate(BROKEN):
        lines.insert(10 * place, line)
    file.write_bytes(gzip.compress(b"\n".join(lines)))
    broken: list[Broken] = []
    assert [record.path for record in read_records(file, broken, 0.05)] == [str(number) for number in range(95)]
    assert [each.line for each in broken] == [1, 11, 21, 31, 41]
    write_quarantine(file, broken, tmp_path / "quarantine.jsonl")
    first = json.loads((tmp_path / "quarantine.jsonl").read_text().splitlines()[0])
    assert first["shard"] == "s.json.gz" and first["line"] == 1 and first["bytes"] == 6 and first["reason"].startswith("not JSON")


def test_too_many_broken_records_stop_with_their_number_and_the_first(tmp_path: Path) -> None:
    file = shard_of(tmp_path, *[GOOD] * 97, [1], [2], [3])
    with pytest.raises(PipelineError, match=r"3 of 100 lines are broken, more than quarantine = 0.02 .* line 98: a JSON list"):
        list(read_records(file, [], 0.02))


def test_a_line_longer_than_any_content_may_be_is_set_aside_unread_and_the_next_is_read(tmp_path: Path) -> None:
    file = tmp_path / "s.json.gz"
    good = json.dumps(GOOD).encode()
    for end in (b"\n" + good, b""):
        file.write_bytes(gzip.compress(good + b"\n" + b" " * 2**24 + end))
        broken: list[Broken] = []
        assert len(list(read_records(file, broken, 1.0))) == 1 + bool(end)
        assert [(each.line, each.bytes) for each in broken] == [(2, 2**24 + bool(end))]
        assert broken[0].reason == f"{2**24 + bool(end)} bytes, expected at most {6 * 1048575 + 2**16}; it was not read"


def test_the_longest_content_that_is_allowed_is_read_however_json_spells_it(tmp_path: Path) -> None:
    content = "\x01" * 1000
    file = shard_of(tmp_path, {**GOOD, "content": content})
    assert [record.content for record in read_records(file, None, 0.0, len(content))] == [content]


@pytest.mark.parametrize("column", ["copies", "size"])
@pytest.mark.parametrize("value", ["9" * 30, "0" * 20 + "9" * 30, "9" * 5000, "٣", "²", "-1", 2**63, ""])
def test_a_count_that_no_column_can_hold_is_named(tmp_path: Path, column: str, value: object) -> None:
    assert f"line 1: column '{column}' is" in message_of(shard_of(tmp_path, {**GOOD, column: value}))


def test_a_byte_order_mark_and_empty_lines_are_no_broken_records(tmp_path: Path) -> None:
    file = tmp_path / "s.json.gz"
    file.write_bytes(
        gzip.compress(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\n\n" + json.dumps(GOOD).encode() + b"\r\n \n\n")
    )
    assert len(list(read_records(file))) == 2


def test_no_piece_of_a_line_is_longer_in_memory_than_a_line_may_be() -> None:
    asked: list[int] = []

    class Watched(io.BytesIO):
        def readline(self, size: int | None = -1) -> bytes:  # type: ignore[override]
            asked.append(-1 if size is None else size)
            return super().readline(size)

    lines = list(_lines(Watched(b"short\n" + b"x" * 10**6 + b"\n" + b"end"), 1000))
    assert lines == [(b"short\n", 6), (None, 10**6 + 1), (b"end", 3)]
    assert min(asked) > 0 and max(asked) <= 2**16
