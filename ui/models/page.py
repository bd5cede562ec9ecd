"""Who answers: models with their figures, adapters, ensembles, the order of choice, and the manner of wording."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.models import adapters, ensembles, guesses, measuring, policy, side_by_side
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire import ModelInfo, ModelsOverview, Rule

LOOK_EVERY_S = 5.0
KINDS = {"adapter": "its adapter", "base": "the full model", "small": "the small model", "other": "another endpoint"}
TIERS = {"domain": "Full model", "fallback": "Small model", "other": "Other endpoint"}


def show() -> None:
    """Show everything, the figures anew every few seconds."""
    st.title("Models", anchor=False)
    _figures()
    found = state.api().models()
    adapters.show(found)
    guesses.measure(found)
    measuring.show(found)
    _manner(found)
    side_by_side.show(found)
    _choice(found)
    ensembles.show(found)
    policy.show()


@st.fragment(run_every=LOOK_EVERY_S)
def _figures() -> None:
    found = state.api().models()
    if not found.models:
        st.info("No model is set up. Questions are answered with the best passages, word for word.")
    with st.container(key="cards"):
        for model in found.models:
            _card(model)
    st.caption(f"Chats now: {found.chats.answered:,} being answered, {found.chats.waiting:,} waiting in line.")
    if found.balance is not None:
        st.caption(
            plain(f"Load balance of the adapters: {found.balance:.2f} (1 is even; higher means fewer do the work).")
        )


def _card(model: ModelInfo) -> None:
    with st.container(key=f"card-model-{model.name}", border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(model.name, 60)}**")
            if not model.enabled:
                st.badge("Switched off", icon=":material/block:", color="gray")
            elif model.healthy:
                st.badge("Answering", icon=":material/check_circle:", color="green")
            else:
                st.badge("Not answering", icon=":material/error:", color="orange")
        kind = "Adapter" if model.adapter and model.tier == "domain" else TIERS.get(model.tier, model.tier)
        place = "on this site" if model.inside else "outside of this site"
        st.caption(plain(f"{kind}, {place}. {model.detail}{_breaker(model)}", 300))
        st.markdown(plain("  ·  ".join(_facts(model)), 300))
        guesses.show(model)
        st.toggle(
            "May answer",
            value=model.enabled,
            key=f"model-on-{model.name}",
            on_change=_switch,
            args=(model.name, not model.enabled),
        )


def _breaker(model: ModelInfo) -> str:
    """Return what the breaker does, nothing while it is closed."""
    if model.breaker == "half-open":
        return " It was left alone after failures and is being tried now."
    when = f" in {model.tried_again_in_s:.0f} s" if model.tried_again_in_s is not None else " soon"
    return f" It is left alone after failures and tried again{when}." if model.breaker == "open" else ""


def _facts(model: ModelInfo) -> list[str]:
    """Return the figures of a model as short texts; those that are not known yet are left out."""
    known = [
        (f"{model.answers:,} answers", True),
        ("sees pictures", model.sees),
        (f"{model.failures:,} failed", model.failures > 0),
        (f"{model.busy} now", model.busy > 0),
        (f"first word after {model.first_token_s or 0:.1f} s", model.first_token_s is not None),
        (f"{model.tokens_per_s or 0:.0f} tokens/s", model.tokens_per_s is not None),
        (f"reads {model.context_tokens:,} tokens", model.context_tokens > 0),
        (f"{model.cost_per_1000 or 0:,.2f} for 1,000 answers", model.cost_per_1000 is not None),
    ]
    return [text for text, shown in known if shown]


@careful
def _switch(name: str, enabled: bool) -> None:
    state.api().switch_model(name, enabled)


def _manner(found: ModelsOverview) -> None:
    st.header("Manner", anchor=False)
    names = [preset.name for preset in found.presets]
    if not names:
        return
    st.segmented_control(
        "How answers are worded where a request does not say",
        names,
        default=found.preset if found.preset in names else None,
        format_func=str.capitalize,
        key="preset",
        on_change=_prefer,
    )
    for preset in found.presets:
        if preset.name == found.preset:
            st.caption(plain(preset.about, 300))


@careful
def _prefer() -> None:
    chosen = st.session_state["preset"]
    if chosen:
        state.api().set_preset(chosen)


def _choice(found: ModelsOverview) -> None:
    st.header("Who is asked", anchor=False)
    with st.form("decide", border=False), st.container(key="decide-bar", horizontal=True):
        question = st.text_input(
            "A question",
            max_chars=2_000,
            placeholder="Type a question to see who would get it",
            label_visibility="collapsed",
        )
        sent = st.form_submit_button("Try", icon=":material/alt_route:")
    if sent and (question or "").strip():
        with told():
            decision = state.api().who_answers((question or "").strip())
            st.success(plain(f"{decision.reason}.", 500))
    for problem in found.problems:
        st.warning(plain(problem, 500), icon=":material/warning:")
    with st.expander("The rules, in order: the first that fits decides"):
        for rule in found.rules:
            st.markdown(_rule(rule))


def _rule(rule: Rule) -> str:
    when = " and ".join(f"{name} is {value}" for name, value in rule.when.items()) or "always"
    both = ["both nearest adapters, and the better answer is given"] if rule.judged else []
    ask = ", then ".join([*both, *(KINDS.get(kind, kind) for kind in rule.ask)])
    return f"**{plain(rule.name, 60)}** ({plain(when, 200)}): {plain(ask, 200)}. *{plain(rule.because, 200)}.*"
