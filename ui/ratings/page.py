"""Ratings: what people thought of answers, and the way to a right one."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.curated import writing
from ui.documents.wording import ago
from ui.scrub import plain
from ui.wire.ratings import RatedAnswer

AT_ONCE = 20
PAGES = "ratings-pages"  # how many are shown, by what was chosen
CHOICES = {"Rated down": "down", "Rated up": "up", "All": ""}
ICONS = {"up": ":material/thumb_up:", "down": ":material/thumb_down:"}


def show() -> None:
    """Show rated answers, the newest rating first."""
    st.title("Ratings", anchor=False)
    st.markdown(
        "What people thought of answers. Where one was wrong, write the right one: whoever asks next gets it at once."
    )
    chosen = st.segmented_control("Show", list(CHOICES), default="Rated down", key="ratings-of", required=True)
    rating = CHOICES[chosen or "All"]
    pages = st.session_state.setdefault(PAGES, {})
    found, more = _found(rating, pages.get(rating, 1))
    if not found:
        st.info("Nothing was rated so yet.", icon=":material/info:")
    with st.container(key="ratings-list"):
        for one in found:
            _row(one)
    if more and st.button("Show more", key="more-ratings"):
        pages[rating] = pages.get(rating, 1) + 1
        st.rerun()


def _found(rating: str, pages: int) -> tuple[list[RatedAnswer], bool]:
    """Return the answers of so many pages, and whether there are more behind them."""
    found: list[RatedAnswer] = []
    before: str | None = None
    for _ in range(pages):
        page = state.api().ratings(rating or None, before, AT_ONCE)
        found += page.ratings
        before = page.next
        if before is None:
            break
    return found, before is not None


def _row(one: RatedAnswer) -> None:
    with st.container(key=f"rated-{one.turn_id}", border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{ICONS[one.rating]} **{plain(one.question, 300)}**")
            if one.put_right:
                st.badge("Put right", icon=":material/check:", color="green")
        if one.standalone and one.standalone != one.question:
            st.caption(plain(f"Understood as: {one.standalone}", 400))
        st.text(one.answer.replace("**", ""))  # as text, so that nothing in it is drawn; emphasis is not needed
        _said(one)
        _sources(one)
        st.caption(plain(_about(one), 300))
        if st.button("Write the right answer", key=f"right-{one.turn_id}", icon=":material/edit:", type="tertiary"):
            known = next((each for each in state.api().curated() if each.id == one.put_right), None)
            writing.begin(known, one.standalone or one.question, one.citations)


def _said(one: RatedAnswer) -> None:
    said = ": ".join(part for part in (one.reason, one.comment) if part)
    if said:
        with st.container(horizontal=True, key=f"said-{one.turn_id}"):
            st.markdown(":material/chat:", width="content")
            st.text(said)


def _sources(one: RatedAnswer) -> None:
    if not one.citations:
        return
    with st.expander("Cited source" if len(one.citations) == 1 else f"{len(one.citations)} cited sources"):
        for cited in one.citations:
            st.caption(plain(f"[{cited.n}] {cited.title or cited.path}", 200))
            st.text(cited.quote)


def _about(one: RatedAnswer) -> str:
    by = " with ".join(part for part in (one.route.model, one.route.adapter) if part) or one.route.strategy
    who = one.asked_by_name or "the command line"
    return " · ".join(part for part in (f"asked by {who}", f"rated {ago(one.rated_at)}", by) if part)
