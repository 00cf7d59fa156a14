"""Names of outputs: inside their directory, and no longer than the file system allows."""

from pathlib import Path

import pytest

from pipeline.common import output_names as places

GOOD = [
    "a.mp4",
    "day/a.mp4",
    "рассвет/море 1.mp4",
    "Report of May/a.mp4",
    "report/a.mp4",
    "a..b.mp4",
]
BAD = ["", "/a.mp4", "../a.mp4", "a/../b.mp4", ".a.mp4", "a/.b/c.mp4", "a//b.mp4", "a\n.mp4",
       "a\0.mp4", "a\u202e.mp4", "manifest.jsonl", "MANIFEST.JSONL", "errors/a.mp4",
       "Superseded/a.mp4", "verdicts.jsonl", "control.sock"]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_name_inside_the_directory_is_accepted(name: str) -> None:
    assert places.fault(name) is None


@pytest.mark.parametrize("name", BAD)
def test_a_reserved_name_or_one_outside_the_directory_is_rejected(name: str) -> None:
    assert places.fault(name)


@pytest.mark.parametrize("most", [143, 255])
def test_a_long_name_is_shortened_and_stays_unique_with_its_extension(most: int) -> None:
    names = [f"{'рассвет ' * 40}{number}.mp4" for number in range(50)]
    cut = [places.fitting(name, most) for name in names]
    assert all(len(name.encode()) <= most and name.endswith(".mp4") for name in cut)
    assert len(set(cut)) == 50


@pytest.mark.parametrize("most", [143, 255])
def test_a_long_name_with_an_early_full_stop_is_shortened_too(most: int) -> None:
    cut = places.fitting(f"1. {'рассвет ' * 40}", most)
    assert cut.startswith("1. ")
    assert len(cut.encode()) <= most


def test_a_name_that_fits_stays_as_it_is() -> None:
    assert places.fitting("a" * 251 + ".mp4", 255) == "a" * 251 + ".mp4"


def test_each_folder_of_an_output_is_shortened_for_its_file_system(
    tmp_path: Path,
) -> None:
    parts = places.fitting_output(tmp_path, f"{'д' * 100}/{'a' * 140}.mp4", most=143).split("/")
    assert [len(part.encode()) <= 143 for part in parts] == [True, True]
    assert parts[1].endswith(".mp4")


def test_a_file_system_is_asked_how_long_a_name_may_be(tmp_path: Path) -> None:
    assert places.longest_name(str(tmp_path)) in range(100, 256)
    assert places.longest_name(str(tmp_path / "nowhere")) == 255
