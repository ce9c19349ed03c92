"""Which party may read which secret of the scene: written by hand, from what the people of the corridor are promised.

Invariant: nothing here is taken from the product's rule. `by` may read it; `must` are some that have to, so that a
scene in which nobody reads anything is no proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.visibility.scene import SECRET

RAILWAYS: Final = frozenset({"pr", "rai", "trk", "ktz", "rzd"})
CUSTOMS: Final = frozenset({"fbr", "irica", "tmcustoms", "kgd", "fcs"})
CONTROL: Final = frozenset({"corridor-control", "operations"})
ROUTE: Final = RAILWAYS | CUSTOMS | CONTROL
OWNERS: Final = frozenset({"indus-forwarding", "ravi-textiles", "caspian-trading"})
RIVALS: Final = frozenset({"volga-logistics", "sialkot-leather"})
FORMER: Final = frozenset({"indus-forwarding", "ravi-textiles"})
NEXT: Final = frozenset({"volga-logistics", "lahore-medical"})
HOME: Final = frozenset({"indus-forwarding", "lahore-medical"})
# Whoever had the goods in the scene: they have come as far as Iran.
HAD: Final = frozenset({"pr", "rai"})
LAHORE, ZAHEDAN = frozenset({"lahore-dry-port"}), frozenset({"zahedan-yard"})
# Where the goods were: terminals are told what happens to units in their country, and whose they are.
YARDS: Final = LAHORE | ZAHEDAN | {"sarakhs-yard"}
INDUS, VOLGA = frozenset({"indus-forwarding"}), frozenset({"volga-logistics"})
NOBODY: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Told:
    """Who may read a secret, and who has to be able to."""

    by: frozenset[str]
    must: frozenset[str] = NOBODY


_BY_NAME: Final[Mapping[str, Told]] = {
    # A consignment and its papers: its parties, and who carries it or rules over it on its route.
    "own_number": Told(OWNERS | ROUTE | YARDS, OWNERS | {"pr", "rzd", "fbr", "fcs", "corridor-control"}),
    "own_paper": Told(OWNERS | ROUTE, OWNERS | {"rzd", "fcs"}),
    "rival_number": Told(RIVALS | ROUTE | YARDS, RIVALS | {"pr", "rzd"}),
    "rival_paper": Told(RIVALS | ROUTE, RIVALS | {"rzd"}),
    "home_number": Told(HOME | {"pr", "fbr"} | CONTROL | LAHORE, HOME | {"pr", "fbr"}),
    "former_number": Told(FORMER | ROUTE | LAHORE | {"astrakhan-terminal"}, FORMER | {"rzd"}),
    "next_number": Told(NEXT | ROUTE | LAHORE, NEXT | {"rzd"}),
    "claim_number": Told(VOLGA | ROUTE, VOLGA),
    "stranger_number": Told(VOLGA | ROUTE, VOLGA),
    # What a booking says besides: its sender, who has had the goods, and customs.
    "own_remark": Told(INDUS | HAD | CUSTOMS, INDUS | {"pr", "fbr", "fcs"}),
    "own_goods": Told(INDUS | HAD | CUSTOMS, INDUS | {"pr", "fbr"}),
    "own_description": Told(INDUS | HAD | CUSTOMS, INDUS),
    "rival_remark": Told(VOLGA | HAD | CUSTOMS, VOLGA | {"pr", "fbr"}),
    "rival_goods": Told(VOLGA | HAD | CUSTOMS, VOLGA),
    "home_remark": Told(INDUS | {"pr", "fbr"}, INDUS | {"pr", "fbr"}),
    "former_remark": Told(INDUS | {"pr", "rzd"} | CUSTOMS, INDUS),
    "next_remark": Told(VOLGA | {"pr"} | CUSTOMS, VOLGA | {"fbr"}),
    "claim_remark": Told(VOLGA | HAD | CUSTOMS, VOLGA),
    "stranger_remark": Told(VOLGA | CUSTOMS, VOLGA),
    # What was reported of a box.
    "own_seal": Told(OWNERS | ROUTE | LAHORE, OWNERS | {"rzd", "fcs"} | LAHORE),
    "own_seal_later": Told(OWNERS | ROUTE | (YARDS - LAHORE), OWNERS | ZAHEDAN | {"rai", "irica"}),
    "former_seal": Told(FORMER | ROUTE | LAHORE, FORMER | LAHORE),
    "next_seal": Told(NEXT | ROUTE | LAHORE, NEXT | LAHORE | {"rzd"}),
    "own_gate_remark": Told(LAHORE | {"pr"} | CUSTOMS, LAHORE | {"pr", "fbr", "fcs"}),
    "own_gate_event": Told(LAHORE | ROUTE, LAHORE | {"pr"}),
    # What was reported of a train: a consist names all that is on it.
    "train_remark": Told(RAILWAYS | CUSTOMS, frozenset({"pr", "fbr"})),
    "plan_remark": Told(RAILWAYS | CUSTOMS, frozenset({"pr", "fbr"})),
    "plan_cause": Told(RAILWAYS | CUSTOMS, frozenset({"pr", "fbr"})),
    "depart_remark": Told(CUSTOMS | {"pr"}, frozenset({"pr", "fbr"})),
    "depart_event": Told(ROUTE, frozenset({"pr", "corridor-control"})),
    "stop_cause": Told(ROUTE, frozenset({"pr", "corridor-control"})),
    "pass_event": Told(INDUS | ROUTE, INDUS),
    "pass_remark": Told(INDUS | {"rai"} | CUSTOMS, INDUS),
    # The case that Kazakhstan and Russia share: numbers for who takes part, reasons for who wrote them.
    "shared_number": Told(OWNERS | CONTROL | {"kgd", "fcs"}, OWNERS | {"kgd", "fcs", "corridor-control"}),
    "shared_guarantee": Told(OWNERS | CONTROL | {"kgd", "fcs"}, OWNERS | {"kgd", "fcs"}),
    "shared_goods": Told(INDUS | {"kgd", "fcs"}),
    "shared_document": Told(INDUS | {"kgd", "fcs"}),
    "shared_remark": Told(INDUS | {"kgd", "fcs"}),
    **{
        name: Told(frozenset({party}), frozenset({party}))
        for party, names in (
            ("kgd", ("kgd_office", "kgd_hold_office", "kgd_hold_officer")),
            ("fbr", ("fbr_office", "fbr_hold_office", "fbr_hold_officer")),
            ("fcs", ("fcs_office",)),
        )
        for name in names
    },
    **{name: Told(frozenset({"kgd"})) for name in ("kgd_officer", "kgd_hold_remark", "kgd_reason", "kgd_remark")},
    "fbr_officer": Told(frozenset({"fbr"})),
    "fcs_officer": Told(frozenset({"fcs"})),
    "paper_number": Told(OWNERS | {"fcs"} | CONTROL, OWNERS | {"fcs"}),
    # What was refused: an authority's stays its own; a railway's is for who mends it.
    "dead_officer": Told(frozenset({"kgd"})),
    "dead_remark": Told(frozenset({"kgd"})),
    "dead_operator": Told(frozenset({"rai", "operations"}), frozenset({"operations"})),
}

# Words that are none of ours: reasons of the closed list, and the names of rivals.
_LITERAL: Final[Mapping[str, Told]] = {
    "INTEL": Told(frozenset({"kgd"}), frozenset({"kgd"})),
    "SANCTION_CHECK": Told(frozenset({"fbr"}), frozenset({"fbr"})),
    "NAV_SEAL_ALARM": Told(frozenset({"kgd"})),
    "volga-logistics": Told(ROUTE | VOLGA | RIVALS | NEXT | LAHORE | ZAHEDAN | {"astrakhan-terminal", "sarakhs-yard"}),
    "indus-forwarding": Told(
        ROUTE | OWNERS | HOME | LAHORE | ZAHEDAN | {"astrakhan-terminal", "sarakhs-yard"}, frozenset({"ravi-textiles"})
    ),
}

TABLE: Final[Mapping[str, Told]] = {SECRET[name]: told for name, told in _BY_NAME.items()} | dict(_LITERAL)
NAMES: Final[Mapping[str, str]] = {word: name for name, word in SECRET.items()}
