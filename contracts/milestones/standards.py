"""How each milestone code is written in DCSA T&T, EPCIS / CBV, UN/CEFACT Rec 24 and TAF TSI.

Invariant: only what those standards publish is here; a code without an entry is an extension of ours.
"""

from typing import Final

from contracts.milestones.codes import Standards

_RUNNING: Final = "TrainRunningInformation"

STANDARDS: Final[dict[str, Standards]] = {
    "BKD": Standards(dcsa=("SHIPMENT CONF/BKG",), rec24=(6,), taf=("ConsignmentOrder",)),
    "BKX": Standards(dcsa=("SHIPMENT CANC/BKG",), rec24=(7,)),
    "NOTE": Standards(
        dcsa=("SHIPMENT ISSU/TRD",), epcis="TransactionEvent", rec24_near=(359,), taf=("ConsignmentOrder",)
    ),
    "STUF": Standards(dcsa=("EQUIPMENT STUF",), epcis="AggregationEvent ADD", biz_step="packing", rec24=(93,)),
    "SEAL": Standards(dcsa=("EQUIPMENT RSEA",), dispositions=("container_closed",), rec24=(83, 208), rec24_near=(94,)),
    "GTIN": Standards(dcsa=("EQUIPMENT GTIN",), biz_step="receiving", rec24=(74,)),
    "LOAD": Standards(dcsa=("EQUIPMENT LOAD",), epcis="AggregationEvent ADD", biz_step="loading", rec24=(48,)),
    "COMP": Standards(
        epcis="AssociationEvent ADD",
        biz_step="staging_outbound",
        rec24=(71,),
        taf=("TrainComposition", "TrainReady"),
    ),
    "DEPA": Standards(
        dcsa=("TRANSPORT DEPA",),
        biz_step="departing",
        dispositions=("in_transit",),
        rec24=(24, 127, 365),
        taf=(f"{_RUNNING} 02", f"{_RUNNING} 04"),
    ),
    "PASS": Standards(dcsa=("IOT LOC",), biz_step="transporting", rec24=(31,), taf=(f"{_RUNNING} 05",)),
    "ARRI": Standards(
        dcsa=("TRANSPORT ARRI",),
        biz_step="arriving",
        rec24=(1, 364),
        taf=(f"{_RUNNING} 01", f"{_RUNNING} 03"),
    ),
    "ETA": Standards(dcsa=("TRANSPORT ARRI",), taf=("TrainRunningForecast", "ETI_ETA")),
    # DCSA has no code for a delay: it is the delayReasonCode of an EST.
    "DLAY": Standards(rec24=(20, 25, 101), taf=("TrainDelayCause",)),
    "STOP": Standards(rec24=(90,), taf=("TrainRunningInterruption",)),
    "RESM": Standards(rec24=(31,), taf=("TrainRunningInterruption",)),
    "CANC": Standards(rec24_near=(111,), taf=("TrainJourneyModification",)),
    "DTCH": Standards(epcis="AssociationEvent DELETE", rec24=(255,), taf=("WagonException",)),
    "ATCH": Standards(epcis="AssociationEvent ADD", taf=("WagonException",)),
    # In DCSA an arrival at a facility of type BORD.
    "BARR": Standards(dcsa=("TRANSPORT ARRI",), biz_step="arriving", rec24=(1,), taf=(f"{_RUNNING} 03",)),
    "OFFR": Standards(rec24=(131,), taf=("WagonInterchangeNotice",)),
    "HACC": Standards(biz_step="accepting", rec24=(366, 349), taf=("WagonReceivedAtInterchange",)),
    "HREF": Standards(rec24=(77,), taf=("WagonRefusedAtInterchange",)),
    "XBRD": Standards(dcsa=("EQUIPMENT CROS",), rec24=(16,)),
    # The DCSA and EPCIS forms hold where the container itself moves from wagon to wagon.
    "GCIN": Standards(dcsa=("EQUIPMENT DISC",), epcis="AggregationEvent DELETE"),
    "GCOUT": Standards(dcsa=("EQUIPMENT LOAD",), epcis="AggregationEvent ADD", rec24=(100, 368)),
    "PREA": Standards(dcsa=("SHIPMENT SUBM/AMF",), rec24=(68,)),
    "CLOD": Standards(dcsa=("SHIPMENT SUBM/CUC",), rec24_near=(170,)),
    "CACC": Standards(dcsa=("SHIPMENT RECE/CUC",), rec24=(126,)),
    "CREJ": Standards(dcsa=("SHIPMENT REJE/CUC",), rec24=(334,)),
    "CHLD": Standards(dcsa=("SHIPMENT HOLD/CUC",), biz_step="holding", rec24=(128, 232, 229)),
    "CHLX": Standards(dcsa=("SHIPMENT RELS/CUC",), biz_step="holding", rec24_near=(8, 9, 78)),
    "CUSS": Standards(dcsa=("EQUIPMENT CUSS",), rec24=(228,)),
    "CUSI": Standards(dcsa=("EQUIPMENT CUSI",), rec24=(228,)),
    "CINS": Standards(
        dcsa=("EQUIPMENT INSP",),
        biz_step="inspecting",
        dispositions=("conformant", "non_conformant"),
        # Only where the container was stripped for it.
        rec24_near=(28,),
    ),
    "CREL": Standards(dcsa=("EQUIPMENT CUSR", "SHIPMENT RELS/CUC"), dispositions=("available",), rec24=(12, 129)),
    "CREF": Standards(dcsa=("SHIPMENT REJE/CUC",), dispositions=("non_conformant",), rec24=(17,)),
    "CDIS": Standards(dcsa=("SHIPMENT CMPL/CUC",), rec24_near=(39,)),
    "TAMP": Standards(dcsa=("IOT DRO",), dispositions=("container_open",), rec24=(335, 336, 337)),
    "DISC": Standards(dcsa=("EQUIPMENT DISC",), epcis="AggregationEvent DELETE", biz_step="unloading", rec24=(29,)),
    "AVPU": Standards(dcsa=("EQUIPMENT AVPU",), rec24=(64,), rec24_near=(45,)),
    "GTOT": Standards(dcsa=("EQUIPMENT GTOT",), biz_step="departing", rec24=(13,)),
    # DROP of a laden container.
    "DLVD": Standards(dcsa=("EQUIPMENT DROP",), biz_step="receiving", rec24=(21,), taf=("WagonDeliveryNotice",)),
    "STRP": Standards(dcsa=("EQUIPMENT STRP",), biz_step="unpacking", rec24=(28, 371)),
    # GTIN of an empty container.
    "MTRT": Standards(dcsa=("EQUIPMENT GTIN",), biz_step="receiving", dispositions=("returned",), rec24=(82,)),
    "DAMG": Standards(dispositions=("damaged",), rec24=(18, 218, 238), taf=("WagonAlert",)),
    "LOST": Standards(dispositions=("stolen", "unknown"), rec24=(49, 36, 117), taf=("WagonAlert",)),
    "DRLM": Standards(dispositions=("unknown",), rec24=(222,), taf=("WagonAlert",)),
}
