"""A widget's profile in a turn: the assistant that it names, inside of what the widget allows."""

from __future__ import annotations

from dataclasses import replace

from assistant.api import companions
from assistant.api.widget_auth import Entry
from assistant.app import App
from assistant.gallery import store
from assistant.gallery.applied import applied, sampled
from assistant.logs import log
from assistant.threads import in_thread
from assistant.types import Caller, TurnOptions

_log = log("widgets")


async def in_profile(app: App, visit: Entry, options: TurnOptions) -> tuple[Caller, TurnOptions]:
    """Return who asks and how, with the assistant that the widget names inside of what the widget allows.

    One that is gone, or no administrator's any more, must not silence the widget: it goes on without, which is logged.
    """
    named = visit.widget.profile.assistant
    if not named:
        return visit.caller, options
    one = await in_thread(store.of_administrator, app.engine, named)
    if one is None:
        _log.warning("a widget's assistant cannot be used", widget_id=visit.widget.id, assistant_id=named)
        return visit.caller, options
    options = replace(options, sampling=sampled(one.setup, options.sampling))
    caller, inside = await in_thread(applied, app.engine, await companions.offer(app), one, visit.caller, options)
    return caller, replace(inside, notice="")  # what is missing is the administrator's affair, not the visitor's
