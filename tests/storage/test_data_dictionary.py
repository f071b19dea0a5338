"""The schema: its data dictionary is true, and its tables are what is on disk."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ward_forum import Forum, on_day

from crawler.records import Post, Thread
from storage.archive import Archive
from storage.dictionary import data_dictionary
from storage.schema import PUBLISHED, TABLES, arrow_schema

ROOT = Path(__file__).parents[2]


def test_the_data_dictionary_is_true():
    written = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert written == data_dictionary(), "run: python -m storage.schema > docs/data-dictionary.md"


def test_every_field_of_a_record_has_its_column():
    apart = {"author", "author_id"}  # only in `authors`
    assert set(Post.__struct_fields__) - apart <= set(arrow_schema("posts").names)
    assert set(Thread.__struct_fields__) - apart <= set(arrow_schema("threads").names)


@pytest.mark.parametrize("table", [*TABLES.values(), *(table for table, _ in PUBLISHED.values())], ids=lambda t: t.name)
def test_keys_partitions_and_order_name_columns(table):
    assert {*table.key, *table.partition_by, *table.sort_by} <= set(table.column_names)
    assert all(column.doc.endswith((".", "tell.", "tells.")) for column in table.columns)
    assert not [c.name for c in table.columns if c.statistics and c.name in {"body_text", "author", "author_key"}]


def test_tables_are_on_disk_as_declared(archive: Archive, forum: Forum):
    forum.crawl("c1", on_day(0)).commit(archive)
    for name, table in TABLES.items():
        delta = archive.tables.load(name)
        assert delta is not None
        assert delta.to_pyarrow_table().schema.equals(table.schema), name
        files = archive.tables.files(name)
        assert files == sorted(files)
        group = pq.ParquetFile(files[0]).metadata.row_group(0)
        columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
        assert columns["crawl_id"].compression == "ZSTD"
        for plain in ("body_text", "content_hash"):
            if plain in columns:
                assert not any("DICTIONARY" in encoding for encoding in columns[plain].encodings)
