"""Logs that cannot fill a disk."""

from pathlib import Path

from ops.logs import rotate


def test_a_log_too_large_is_cut_and_its_last_piece_kept(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old" * 100)
        rotate(tmp_path, largest=200)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "api.log.1").read_bytes() == b"old" * 100


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text("few words")
    rotate(tmp_path, largest=200)
    assert (tmp_path / "api.log").read_text() == "few words"
    assert not (tmp_path / "api.log.1").exists()
