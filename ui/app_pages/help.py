"""The page Help."""

from ui import state
from ui.help import page

page.show(state.me())
