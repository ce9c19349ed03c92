"""Ports for servers of our own."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

from deploy.local.ports import LOOPBACK, _first, free_port, steady_port


def test_no_port_is_given_twice() -> None:
    """Whoever has one may not have bound it yet."""
    given = [free_port() for _ in range(500)]

    assert len(set(given)) == len(given)


def test_one_that_was_noted_is_given_to_nobody_else(tmp_path: Path) -> None:
    """Another process has noted it, which began to look for ports where this one does."""
    noted = free_port() + 1
    note = tmp_path / "kafka.port"
    note.write_text(str(noted))

    assert steady_port(note) == noted
    assert free_port() != noted


def test_one_that_was_given_is_not_taken_from_a_note(tmp_path: Path) -> None:
    note = tmp_path / "kafka.port"
    note.write_text(str(given := free_port()))

    assert steady_port(note) != given


def test_a_note_gives_the_same_port_again(tmp_path: Path) -> None:
    note = tmp_path / "kafka.port"

    assert steady_port(note) == steady_port(note)


def test_a_port_at_which_somebody_listens_is_left_out() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, free_port() + 1))
        taken.listen()

        assert free_port() != taken.getsockname()[1]


def test_processes_that_run_at_once_begin_far_from_each_other() -> None:
    """A hundred of them, each with room for what a stack and its copies need; and no two of a whole range as one."""
    near = sorted(_first(pid) for pid in range(4000, 4100))

    assert min(after - before for before, after in itertools.pairwise(near)) > 30
    assert len({_first(pid) for pid in range(12_000)}) == 12_000
