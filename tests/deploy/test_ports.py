"""Ports for servers of our own."""

from __future__ import annotations

import socket

from deploy.local.ports import LOOPBACK, free_port


def test_no_port_is_given_twice() -> None:
    """Whoever has one may not have bound it yet."""
    given = [free_port() for _ in range(500)]

    assert len(set(given)) == len(given)


def test_a_port_at_which_somebody_listens_is_left_out() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, free_port() + 1))
        taken.listen()

        assert free_port() != taken.getsockname()[1]
