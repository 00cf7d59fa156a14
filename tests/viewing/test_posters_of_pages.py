"""Posters that are missing are made while a page listens."""

from typing import Any

import pytest
from support.pictures import png
from support.rendered import render
from support.viewed import viewed

from pipeline.job import load
from pipeline.store.layout import Layout

pytest.importorskip("av")


async def test_a_page_gets_posters_of_clips_that_have_none(write: Any) -> None:
    path = write("one", leave=None)
    layout = Layout(load(path).output_dir)
    render(path, body=lambda task: png(1))
    assert not layout.posters.exists()
    async with viewed(path) as served, served.page() as page:
        (entry,) = await page.until("entries", lambda entries: "poster" in entries[0])
        name = entry["poster"].removeprefix("./")
        answer = await served.get(f"/job/{name}")
        assert answer.headers["content-type"] == "image/webp"
        assert answer.content == (layout.root / name).read_bytes()
