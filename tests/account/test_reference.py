"""The reference names every column of the database."""

import re
from pathlib import Path

from pipeline.account.schema import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"


def test_every_table_and_column_is_in_the_reference() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## The ledger of an account")[1]
    section = section.split("\n## ")[0]
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", TABLES, re.DOTALL)
    tables += re.findall(r"CREATE TABLE (jobs) \((.*)\);", TABLES)
    assert len(tables) >= 5
    for table, body in tables:
        assert f"**{table}**" in section
        for column in re.findall(r"(\w+) (?:INTEGER|TEXT|REAL|BLOB)", body):
            assert f"`{column}`" in section, f"{table}.{column}"
