"""Topics that never count: each is named, and none tells something about a person."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from selbsthelfer.contacts.core.topics import EXEMPT_TOPICS, exempt_code


def test_the_exempt_topics_are_complete() -> None:
    assert set(EXEMPT_TOPICS) == {
        "fault", "loss", "objection", "cancellation", "porting", "complaint", "privacy", "accessibility",
        "hardship", "identity", "presales", "programme", "third_party", "unclassified",
    }  # fmt: skip
    assert all(topic.german and topic.english for topic in EXEMPT_TOPICS.values())


def test_a_sensitive_topic_is_stored_as_a_neutral_code() -> None:
    assert exempt_code("accessibility") == exempt_code("hardship") == "exempt"


def test_any_other_exempt_topic_keeps_its_name() -> None:
    others = set(EXEMPT_TOPICS) - {"accessibility", "hardship"}
    assert {topic: exempt_code(topic) for topic in others} == {topic: topic for topic in others}


@given(st.text().filter(lambda topic: topic not in EXEMPT_TOPICS))
def test_nothing_else_is_exempt(topic: str) -> None:
    assert exempt_code(topic) is None
