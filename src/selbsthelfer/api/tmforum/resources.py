"""The resources of both APIs: their attributes, and what a key must allow."""

from __future__ import annotations

from typing import Final, NamedTuple

from selbsthelfer.identity.core.scopes import Scope


def _names(*texts: str) -> frozenset[str]:
    """Name attributes; those that every resource has are added."""
    return frozenset(" ".join(["id href @type @baseType @schemaLocation", *texts]).split())


class Resource(NamedTuple):
    """A resource: the kind of its documents, what they may be filtered by, and the scopes it needs."""

    kind: str
    attributes: frozenset[str]
    read: Scope = Scope.BALANCE_READ
    write: Scope = Scope.BALANCE_WRITE


_OF_VOLUME: Final = "description logicalResource partyAccount product relatedParty"
_OF_ACTIONS: Final = (
    f"{_OF_VOLUME} amount bucket channel confirmationDate reason requestedDate requestor status usageType"
    " validFor"
)

BALANCE: Final = (
    Resource(
        "bucket",
        _names(
            _OF_VOLUME,
            "confirmationDate isShared name remainingValueName requestedDate remainingValue reservedValue",
            "status usageType validFor",
        ),
    ),
    Resource(
        "topupBalance",
        _names(_OF_ACTIONS, "isAutoTopup numberOfPeriods voucher balanceTopup paymentMethod recurringPeriod"),
    ),
    Resource("adjustBalance", _names(_OF_ACTIONS, "adjustType")),
    Resource("reserveBalance", _names(_OF_ACTIONS)),
    Resource("accumulatedBalance", _names(_OF_VOLUME, "name bucket totalBalance")),
)
"""TMF654, as its Swagger file names them."""

INTERACTION: Final = (
    Resource(
        "partyInteraction",
        _names(
            "creationDate description direction reason status statusChangeDate attachment channel",
            "interactionDate interactionItem interactionRelationship note relatedParty",
        ),
        Scope.INTERACTION_READ,
        Scope.INTERACTION_WRITE,
    ),
)
"""TMF683, likewise."""
