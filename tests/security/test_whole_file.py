"""What is written is there whole or not at all, also after a loss of power: on the disk before it takes its place."""

import os

import pytest

from allotment import whole_file
from allotment.whole_file import keep_all, write_whole

pytestmark = pytest.mark.security


@pytest.fixture
def calls(monkeypatch):
    """Return what is asked of the disk, in order."""
    asked, fsync, replace = [], os.fsync, whole_file.Path.replace

    def note_sync(number):
        asked.append(("on the disk", os.path.basename(os.readlink(f"/proc/self/fd/{number}"))))
        fsync(number)

    def note_replace(part, file):
        asked.append(("takes the place of", file.name))
        return replace(part, file)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(whole_file.Path, "replace", note_replace)
    return asked


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of open files here")
def test_a_file_is_on_the_disk_before_it_takes_its_place_and_its_folder_afterwards(tmp_path, calls):
    write_whole(tmp_path / "plan.json", "{}")
    assert calls == [
        ("on the disk", "plan.json.part"),
        ("takes the place of", "plan.json"),
        ("on the disk", tmp_path.name),
    ]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of open files here")
def test_all_of_a_folder_is_on_the_disk_itself_last(tmp_path, calls):
    (tmp_path / "rule").mkdir()
    (tmp_path / "rule" / "bundle.json").write_text("{}")
    keep_all(tmp_path)
    assert [name for _, name in calls] == ["rule", "bundle.json", tmp_path.name]


def test_what_fails_half_way_leaves_what_was_there_and_nothing_else(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text("before")

    def full(text):
        (tmp_path / "plan.json.part").write_text(text[:3])
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"), whole_file.whole_file(file):
        full("after")
    assert file.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]
