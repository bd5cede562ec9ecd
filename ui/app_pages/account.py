"""Account."""

from ui import state
from ui.people import account

account.show(state.me())
