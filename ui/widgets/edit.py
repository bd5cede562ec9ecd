"""The settings of a widget, with a preview that follows what is being typed."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.trouble import told
from ui.widgets import permits, preview
from ui.widgets.permits import key, known_and_chosen
from ui.wire import HandOver, Limits, Look, Widget, Words

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "zh": "中文", "ar": "العربية"}
SCHEMES = {"auto": "As the visitor's device", "light": "Light", "dark": "Dark"}
SIDES = {"right": "Right", "left": "Left"}
DAYS = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}
LIMITS = {
    "messages_per_minute": "Questions of one visitor in a minute",
    "messages_per_session": "Questions in one visit",
    "question_characters": "Characters in one question",
    "sessions_per_hour": "New visits from one address in an hour",
    "sessions_per_day": "Visits in a day",
    "messages_per_day": "Questions in a day",
    "tokens_per_day": "Tokens in a day",
    "files_per_day": "Attached files in a day",
    "challenge_above": "Anonymous visits in a minute before browsers must solve a task",
}


def show(widget: Widget) -> None:
    """Show all settings beside the preview; nothing is kept before Save."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        changes = _access(widget)
        look, words = _look(widget, widget.profile.look), _words(widget, widget.profile.words)
        languages = st.multiselect(
            "Languages of the buttons",
            list(LANGUAGES),
            default=[one for one in widget.profile.languages if one in LANGUAGES],
            format_func=LANGUAGES.__getitem__,
            key=key(widget, "languages"),
        )
        changes |= {"look": look, "words": words, "languages": languages or list(LANGUAGES)}
        target = _hand_over(widget, widget.profile.hand_over)
        changes |= {"hand_over": target, "attachments": permits.files(widget)} | permits.keeping(widget)
        changes["limits"] = _limits(widget, widget.profile.limits)
        if st.button("Save", key="save-widget", type="primary", icon=":material/save:"):
            with told():
                state.api().change_widget(widget.id, {"profile": changes})
                st.toast("Saved.", icon=":material/check:")
    with right:
        st.header("Preview", anchor=False)
        preview.show(widget.name, look, words, languages, bool(target["webhook"] or target["mail"]))
        st.caption("How it looks with what stands on the left. Nothing is asked here.")


def lines(text: str | None) -> list[str]:
    """Return the lines of a text that hold anything."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _access(widget: Widget) -> dict[str, object]:
    profile, api = widget.profile, state.api()
    origins = st.text_area(
        "Sites that may show it, one a line",
        "\n".join(profile.origins),
        key=key(widget, "origins"),
        placeholder="https://www.example.com",
        help="Exactly as in the address bar, without a path. While none is listed, nobody can use the widget.",
    )
    collections = permits.collections(widget)
    groups = st.multiselect(
        "Groups that the site may vouch for",
        known_and_chosen([one.name for one in api.groups()], profile.groups),
        default=list(profile.groups),
        key=key(widget, "groups"),
        placeholder="None",
        help="The site's server may sign that a visitor belongs to one of these; other groups do not count.",
    )
    anonymous = st.toggle("Visitors without a sign-in may chat", profile.anonymous, key=key(widget, "anonymous"))
    skills = permits.skills(widget)
    chosen: dict[str, object] = {"origins": lines(origins), "collections": collections, "groups": groups}
    chosen["assistant"] = permits.assistant(widget)
    return chosen | {"skills": skills, "anonymous": anonymous}


def _look(widget: Widget, look: Look) -> dict[str, object]:
    st.header("Look", anchor=False)
    title = st.text_input("Title", look.title, max_chars=200, key=key(widget, "title"), placeholder=widget.name)
    with st.container(horizontal=True):
        accent = st.color_picker("Colour", look.accent or "#0f5c4d", key=key(widget, "accent"))
        scheme = st.selectbox(
            "Light or dark",
            list(SCHEMES),
            index=list(SCHEMES).index(look.scheme) if look.scheme in SCHEMES else 0,
            format_func=SCHEMES.__getitem__,
            key=key(widget, "scheme"),
        )
        side = st.selectbox(
            "Side",
            list(SIDES),
            index=list(SIDES).index(look.side) if look.side in SIDES else 0,
            format_func=SIDES.__getitem__,
            key=key(widget, "side"),
        )
    kept = {"background": look.background, "text": look.text}
    return {"title": title or "", "accent": accent, "scheme": scheme, "side": side, **kept}


def _words(widget: Widget, words: Words) -> dict[str, object]:
    st.header("Words", anchor=False)
    greeting = st.text_area("Greeting", words.greeting, max_chars=2000, key=key(widget, "greeting"))
    questions = st.text_area(
        "Suggested questions, one a line",
        "\n".join(words.questions),
        key=key(widget, "questions"),
        help="Six at most.",
    )
    disclaimer = st.text_input("Disclaimer", words.disclaimer, max_chars=2000, key=key(widget, "disclaimer"))
    return {"greeting": greeting or "", "questions": lines(questions), "disclaimer": disclaimer or ""}


def _hand_over(widget: Widget, target: HandOver) -> dict[str, object]:
    st.header("Talking to a person", anchor=False)
    webhook = st.text_input(
        "Address of a help desk's webhook", target.webhook, key=key(widget, "webhook"), placeholder="https://"
    )
    mail = st.text_input("Mailbox", target.mail, key=key(widget, "mail"), placeholder="help@example.com")
    skill = st.text_input(
        "Skill that opens a ticket",
        target.skill,
        key=key(widget, "ticket"),
        max_chars=200,
        placeholder="create_ticket",
        help="It takes a title and a description, and has to be open to 'public' on the page Skills.",
    )
    days = st.multiselect(
        "Days when people are there",
        list(DAYS),
        default=[day for day in DAYS if day in target.hours.days],
        format_func=DAYS.__getitem__,
        key=key(widget, "days"),
        placeholder="Always",
    )
    begin, end = next(iter(target.hours.days.values()), ("09:00", "17:00"))
    with st.container(horizontal=True):
        begin = st.text_input("From", begin, key=key(widget, "from"), max_chars=5) or begin
        end = st.text_input("To", end, key=key(widget, "to"), max_chars=5) or end
        zone = st.text_input("Time zone", target.hours.zone, key=key(widget, "zone"), max_chars=60) or "UTC"
    # Days whose hours were set one by one, by the command line, keep them.
    kept = {day: target.hours.days.get(day, (begin, end)) for day in days}
    same = len(set(target.hours.days.values())) <= 1
    hours = {"zone": zone, "days": dict.fromkeys(days, (begin, end)) if same else kept}
    targets = {"webhook": (webhook or "").strip(), "mail": (mail or "").strip(), "skill": (skill or "").strip()}
    return {**targets, "hours": hours}


def _limits(widget: Widget, limits: Limits) -> dict[str, object]:
    found: dict[str, object] = {"session_hours": limits.session_hours}
    with st.expander("Limits"):
        for name, label in LIMITS.items():
            lowest = 0 if name == "challenge_above" else 1
            found[name] = st.number_input(
                label, min_value=lowest, value=getattr(limits, name), step=1, key=key(widget, name)
            )
    return found
