"""Which concern each queue of a contact centre stands for, written in TOML; a queue log itself knows none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

from selbsthelfer.activities.core.catalogue import CATALOGUE
from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS
from selbsthelfer.intake.core.columns_mapping import ColumnMappingError, ColumnMappingErrors, toml_tree
from selbsthelfer.intake.core.facts import ShortText

UNCLASSIFIED = "unclassified"


class QueueRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of every call in a queue."""

    topic: ShortText = UNCLASSIFIED
    channel: ShortText = "hotline"
    direction: Literal["inbound", "outbound", "callback", "campaign_reply"] = "inbound"


ANY_QUEUE = QueueRule()
"""A queue that is not named: an inbound call to the hotline about nobody knows what."""
NO_QUEUES: Mapping[str, QueueRule] = MappingProxyType({})


def is_classified(topic: str | None) -> bool:
    """Tell whether a topic is one that the house knows."""
    return topic in CATALOGUE or (topic in EXEMPT_TOPICS and topic != UNCLASSIFIED)


def read_queue_rules(text: str) -> Mapping[str, QueueRule]:
    """Read a table `[queues.<name>]` for each queue; raises `ColumnMappingErrors` with all that is wrong."""
    tree = toml_tree(text)
    errors = [ColumnMappingError(key, "is not known here") for key in tree if key != "queues"]
    tables = tree.get("queues")
    if not isinstance(tables, dict) or not tables:
        errors.append(
            ColumnMappingError("queues", "must have a table for each queue, such as [queues.billing]")
        )
        tables = {}
    rules: dict[str, QueueRule] = {}
    for name, table in tables.items():
        try:
            rules[name] = msgspec.convert(table, QueueRule)
        except msgspec.ValidationError as error:
            errors.append(_error(name, str(error)))
            continue
        topic = rules[name].topic
        if topic != UNCLASSIFIED and not is_classified(topic):
            problem = f"“{topic}” is neither an activity of the catalogue nor an exempt topic"
            errors.append(ColumnMappingError(f"queues.{name}.topic", problem))
    if errors:
        raise ColumnMappingErrors(tuple(errors))
    return MappingProxyType(rules)


def _error(name: str, message: str) -> ColumnMappingError:
    problem, _, path = message.partition(" - at `$")
    return ColumnMappingError(f"queues.{name}{path.removesuffix('`')}", problem)
