"""An archive of a run's logs that others made fills no disk and leads nowhere; `ScenarioError` names it."""

import zipfile

import pytest

from allotment.runs import tensorboard
from allotment.runs.tensorboard import logged, put_away
from allotment.scenario.errors import ScenarioError

pytestmark = pytest.mark.security


def packed(folder, files):
    with zipfile.ZipFile(folder / "tb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return folder / "tb"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"events": b"0" * 5000}, "1 files of 4.66e-06 GiB; at most 3 files"),
        (dict.fromkeys("abcd", b""), "4 files of 0 GiB; at most 3 files"),
        ({"../escaped": b"x"}, "holds '../escaped', which is no plain name"),
        ({"/tmp/escaped": b"x"}, "which is no plain name"),
        ({"a/b": b"x"}, "which is no plain name"),
    ],
)
def test_an_archive_of_logs_is_bounded_and_leads_nowhere(files, told, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "LARGEST_LOGS", 1000)
    monkeypatch.setattr(tensorboard, "MOST_LOGS", 3)
    with pytest.raises(ScenarioError, match=r"tb\.zip: ") as refused, logged(packed(tmp_path, files)):
        pass
    assert told in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["tb.zip"]


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "tb.zip").write_bytes(b"PK nonsense")
    with pytest.raises(ScenarioError, match=r"tb\.zip: no archive of logs"), logged(tmp_path / "tb"):
        pass


def test_an_archive_whose_content_is_damaged_is_refused(tmp_path):
    logs = packed(tmp_path, {"events": b"0123456789" * 100})
    content = bytearray((tmp_path / "tb.zip").read_bytes())
    content[40] ^= 0xFF
    (tmp_path / "tb.zip").write_bytes(content)
    with pytest.raises(ScenarioError, match="no archive of logs"), logged(logs):
        pass


def test_what_was_put_away_comes_back(tmp_path):
    (tmp_path / "tb").mkdir()
    (tmp_path / "tb" / "events").write_text("points")
    put_away(tmp_path / "tb")
    with logged(tmp_path / "tb") as folder:
        assert (folder / "events").read_text() == "points"
