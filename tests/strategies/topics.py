"""Topics and patterns; the common words are few, so that patterns often match."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from byway.protocol.limits import MAX_SEGMENT_BYTES, MAX_SEGMENTS, MAX_URN_BYTES
from byway.protocol.topic import ONE, REST, Topic, TopicPattern
from byway.protocol.urn import OPEN_ROOT, to_base32

WORDS: Final = ["homes", "food", "boston", "2-bed", "-", "caf%C3%A9"]

keys = st.binary(min_size=32, max_size=32)
roots = st.just(OPEN_ROOT) | st.sampled_from([to_base32(bytes(32)), to_base32(b"\xff" * 32)])
beyond_ascii = st.characters(min_codepoint=0x80, exclude_categories=["Cs"]).map(quote)
segments: SearchStrategy[str] = st.sampled_from(WORDS) | st.lists(
    st.sampled_from("abcxyz0189-") | beyond_ascii, min_size=1, max_size=10
).map("".join).filter(lambda segment: len(segment) <= MAX_SEGMENT_BYTES)


def topics(segment: SearchStrategy[str] = segments, max_segments: int = MAX_SEGMENTS) -> SearchStrategy[Topic]:
    """Topics whose URN is not too long."""
    made = st.builds(Topic, roots, st.lists(segment, min_size=1, max_size=max_segments).map(tuple))
    return made.filter(lambda topic: len(topic.urn) <= MAX_URN_BYTES)


@st.composite
def patterns(draw: DrawFn, segment: SearchStrategy[str] = segments, max_segments: int = MAX_SEGMENTS) -> TopicPattern:
    """Patterns: in each place a segment or `*`, in the last perhaps `**`."""
    parts = draw(st.lists(segment | st.just(ONE), min_size=1, max_size=max_segments))
    if draw(st.booleans()):
        parts[-1] = REST
    return TopicPattern(draw(roots), tuple(parts))
