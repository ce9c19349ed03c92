"""The processes of the services, as the launcher has them."""

from __future__ import annotations

from pathlib import Path

from deploy.services import Services


def test_copies_have_the_addresses_that_they_had_before(tmp_path: Path) -> None:
    """What was bookmarked, or stands in an environment file, stays good."""
    first, second = (Services({}, tmp_path / "logs", copies={"tracking": 2}) for _ in range(2))

    assert [e.url for e in second.endpoints] == [e.url for e in first.endpoints]
    assert len({e.url for e in first.endpoints}) == 4
