"""The milestone table: one row for each code, in order of rank.

Invariant: ranks rise from row to row and lie in the hundred of their group; whether a code places its
subject, moves it or is only a claim is said here and nowhere else.
"""

from typing import Final

from contracts.milestones.codes import Group, MilestoneCode, Movement, SubjectKind

Row = tuple[MilestoneCode, int, Group, str, str, Movement | None, str]

KINDS: Final[dict[str, SubjectKind]] = {
    "R": "run",
    "T": "train",
    "W": "wagon",
    "C": "container",
    "G": "consignment",
}

# Goods also travel in wagons without a container: where the standards know containers only, LOAD and DISC
# take a consignment, and seals, holds, inspections and gauge changes take what is sealed or transloaded.
# Trackers and navigation seals see wagons and containers on the way, so PASS takes them.
# Railways write one sheet for a whole train: handover and gauge change take it. What stops, is late or is cancelled may
# be said of what it befell alone. An incident says what befell, and not where the subject is.
# Marks: S spine, P places its subject, ! for customs to say (otherwise a claim).
# fmt: off
ROWS: Final[tuple[Row, ...]] = (
    ("BKD",      10, "booking",      "booking confirmed",                    "G",     None,      "S"),
    ("NOTE",     20, "booking",      "consignment note issued or re-issued", "G",     None,      ""),
    ("BKX",      30, "booking",      "booking cancelled",                    "G",     None,      ""),
    ("ARRI",    110, "arrival",      "arrived",                              "RTWCG", "arrives", "SP"),
    ("BARR",    120, "arrival",      "arrived at border station",            "RTWCG", "arrives", "P"),
    ("GTIN",    130, "arrival",      "gate in, terminal",                    "C",     "arrives", "SP"),
    # An offer may be sent ahead of the train, so it does not place the wagon.
    ("OFFR",    210, "handover",     "handover offered",                     "TWC",   None,      ""),
    ("HREF",    220, "handover",     "handover refused",                     "TWCG",  None,      "P"),
    ("HACC",    230, "handover",     "handover accepted",                    "TWC",   None,      "P"),
    ("GCIN",    310, "gauge_change", "gauge change started",                 "TWCG",  None,      "P"),
    ("GCOUT",   320, "gauge_change", "gauge change done",                    "TWCG",  None,      "P"),
    ("PREA",    410, "customs",      "advance cargo data filed",             "G",     None,      "!"),
    ("CLOD",    420, "customs",      "declaration lodged",                   "G",     None,      "!"),
    ("CREJ",    430, "customs",      "declaration rejected",                 "G",     None,      "!"),
    ("CACC",    440, "customs",      "declaration registered",               "G",     None,      "!"),
    ("CUSS",    450, "customs",      "chosen for scan",                      "WCG",   None,      "!"),
    ("CUSI",    460, "customs",      "chosen for inspection",                "WCG",   None,      "!"),
    ("CHLD",    470, "customs",      "hold placed",                          "WCG",   None,      "!"),
    # The presence is a fact for whoever saw it; the outcome is for customs to say.
    ("CINS",    475, "customs",      "inspected",                            "WCG",   None,      "P!"),
    ("CHLX",    480, "customs",      "hold lifted",                          "WCG",   None,      "!"),
    ("CREF",    485, "customs",      "refused",                              "G",     None,      "!"),
    ("CREL",    490, "customs",      "released, or released for transit",    "CG",    None,      "!"),
    ("CDIS",    495, "customs",      "transit discharged",                   "G",     None,      "!"),
    ("PLACED",  510, "loading",      "placed for loading or unloading",      "W",     None,      "P"),
    ("DISC",    520, "loading",      "unloaded from wagon",                  "CG",    None,      "SP"),
    ("AVPU",    530, "loading",      "available for pick-up",                "CG",    None,      "P"),
    ("STUF",    540, "loading",      "stuffed",                              "C",     None,      "P"),
    ("SEAL",    550, "loading",      "seal affixed or replaced",             "WCG",   None,      "P"),
    ("LOAD",    560, "loading",      "loaded on wagon",                      "CG",    None,      "SP"),
    ("REMOVED", 570, "loading",      "removed from the loading place",       "W",     None,      "P"),
    ("DTCH",    610, "consist",      "wagon cut out",                        "W",     None,      "P"),
    ("ATCH",    620, "consist",      "wagon put in",                         "W",     None,      "P"),
    ("COMP",    630, "consist",      "train composed or ready",              "T",     None,      "P"),
    ("PASS",    710, "departure",    "passed point, or seen on the way",     "RTWCG", "passes",  "P"),
    ("DEPA",    720, "departure",    "departed",                             "RTWCG", "departs", "SP"),
    ("GTOT",    730, "departure",    "gate out",                             "C",     "departs", "P"),
    ("XBRD",    810, "crossing",     "crossed frontier",                     "RTWC",  "crosses", "P"),
    ("ETA",     910, "incident",     "forecast changed",                     "RTWC",  None,      ""),
    ("DLAY",    920, "incident",     "delay with cause",                     "RTWC",  None,      ""),
    ("STOP",    930, "incident",     "run interrupted",                      "RTWC",  None,      ""),
    ("RESM",    940, "incident",     "run resumed",                          "RTWC",  None,      ""),
    ("CANC",    950, "incident",     "train or leg cancelled",               "RTWC",  None,      ""),
    ("TAMP",    960, "incident",     "seal damaged, broken or tampered",     "WC",    None,      ""),
    ("DAMG",    970, "incident",     "damage",                               "RTWCG", None,      ""),
    ("DRLM",    980, "incident",     "derailment",                           "RTWCG", None,      ""),
    ("LOST",    990, "incident",     "loss",                                 "RTWCG", None,      ""),
    ("DLVD",   1010, "delivery",     "delivered",                            "CG",    None,      "SP"),
    ("STRP",   1020, "delivery",     "stripped",                             "C",     None,      "P"),
    ("MTRT",   1030, "delivery",     "empty returned",                       "C",     "arrives", "P"),
)
# fmt: on
