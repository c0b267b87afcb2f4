"""The bytes of a slot's content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.model.entry import Duress, Side, SlotContent
from api.accounts.rules.slots import decode_content, encode_content, pad, unpad


@given(
    st.builds(
        SlotContent,
        st.sampled_from(Side),
        st.uuids(),
        st.integers(0, 1),
        st.binary(min_size=32, max_size=32),
        st.none() | st.binary(min_size=32, max_size=32),
        st.builds(Duress, st.integers(0, 90), st.booleans(), st.booleans()),
    )
)
def test_a_slots_content_comes_back_as_it_was_and_is_always_as_long(content: SlotContent) -> None:
    padded = encode_content(content)
    assert len(padded) == 512
    assert decode_content(padded) == content


@given(st.binary(max_size=99))
def test_what_is_padded_comes_back(body: bytes) -> None:
    assert unpad(pad(body, 100)) == body


def test_what_does_not_fit_is_not_cut_off() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        pad(bytes(100), 100)
