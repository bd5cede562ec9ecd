"""How the server is doing, for administrators."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents import wording
from ui.scrub import plain
from ui.wire import Kept, Service, Space, Status, Tier

LOOK_EVERY_S = 5.0
GOOD_STATES = ("ready", "ok", "running")


def show() -> None:
    """Show the figures, anew every few seconds."""
    st.title("Status", anchor=False)
    _figures()


@st.fragment(run_every=LOOK_EVERY_S)
def _figures() -> None:
    status = state.api().status()
    st.caption(plain(f"Version {status.version}, looked at every {LOOK_EVERY_S:.0f} seconds"))
    _tiers(status)
    _knowledge(status)
    _kept(status.kept)
    left, right = st.columns(2, gap="medium")
    with left:
        _space("Disk", status.disk, "of the data folder's disk")
    with right:
        _space("Memory", status.memory, "of the server process", own=True)
    if status.services:
        st.header("Parts", anchor=False)
        with st.container(key="people-list", gap=None, border=True):
            for service in status.services:
                _service(service)


def _tiers(status: Status) -> None:
    st.header("Models", anchor=False)
    if not status.tiers:
        st.info("No model is set up. Questions are answered with the best passages, word for word.")
    with st.container(key="cards"):
        for tier in status.tiers:
            _tier(tier)


def _tier(tier: Tier) -> None:
    with st.container(key=f"card-tier-{tier.name}", border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(tier.name, 60)}**")
            if tier.healthy:
                st.badge("Answering", icon=":material/check_circle:", color="green")
            else:
                st.badge("Not answering", icon=":material/error:", color="orange")
        what = " with ".join(part for part in (tier.model, tier.adapter) if part)
        st.markdown(plain(what, 160))
        st.caption(plain(tier.detail, 300))


def _knowledge(status: Status) -> None:
    with st.container(key="metrics"):
        st.metric("Documents", f"{status.knowledge.documents:,}", border=True)
        st.metric("Passages", f"{status.knowledge.chunks:,}", border=True)
        st.metric("Being read", f"{status.queue.running:,}", border=True)
        st.metric("Waiting", f"{status.queue.queued:,}", border=True)
        st.metric("Failed", f"{status.queue.failed:,}", border=True)
    lag = status.knowledge.index_lag
    abreast = "Search is abreast of the documents" if not lag else f"Search has {lag:,} changes to catch up with"
    checked = wording.ago(status.knowledge.last_reconcile)
    st.caption(f"{abreast}{f'; compared {checked}' if checked else ''}.")
    change = status.knowledge.embedding
    if not change.live:
        st.caption(
            f"Changing to the embedding model {plain(change.model, 60)}: {change.done:,} of {change.total:,} passages; "
            "the one before answers until all are done."
        )


def _kept(kept: Kept) -> None:
    st.subheader("Curated and remembered answers", anchor=False)
    asked = kept.same + kept.near + kept.missed
    with st.container(key="kept-metrics", horizontal=True):
        st.metric("Written by administrators", f"{kept.pinned:,}", border=True)
        st.metric("From memory", f"{kept.same + kept.near:,}", border=True)
        st.metric("Hit rate", f"{(kept.same + kept.near) / asked:.0%}" if asked else "none yet", border=True)
        st.metric("Tokens saved", f"{kept.saved_tokens:,}", border=True)
    if not kept.on:
        st.caption("Answers are not remembered here; the setting turn.cache_answers changes that.")
    elif kept.closeness:
        st.caption(f"{kept.near:,} of them for a question in other words, from a closeness of {kept.closeness:.2f} on.")


def _space(name: str, space: Space, what: str, own: bool = False) -> None:
    st.header(name, anchor=False)
    if not space.total:
        st.caption("Not known")
        return
    taken = space.total - space.free
    st.progress(min(1.0, taken / space.total))
    used = f"{wording.size(space.used)} {what}, " if own else f"{wording.size(taken)} used {what}, "
    st.caption(f"{used}{wording.size(space.free)} free of {wording.size(space.total)}")


def _service(service: Service) -> None:
    with st.container(key=f"person-{service.name}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(service.name, 60)}**", width=190)
        st.badge(plain(service.state, 40), color="green" if service.state in GOOD_STATES else "orange")
        st.caption(plain(service.detail, 200))
