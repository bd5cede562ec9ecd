"""What can go wrong in the assistant. Each message is one sentence with the value and what to do.

AssistantError
├── SettingsRefused          the program must not start like this
│   ├── UnknownSetting       the environment names a setting that does not exist
│   ├── InvalidSetting       a value is out of its range
│   └── WeakSecret           a secret is missing, short, or known to everyone
├── DataFolderRefused        nothing can be written to the data folder
├── DatabaseRefused          the database must not be opened like this
│   ├── DatabaseNewer        a newer program wrote it
│   └── UpgradeFailed        the upgrade was undone; the snapshot is intact
├── PeopleError
│   ├── NameUnusable         empty, too long, or with unprintable characters
│   ├── UserNameTaken        another user or group has it
│   ├── PasswordUnusable     too short, too long, too common
│   ├── WrongPassword        name and password do not belong together
│   ├── LinkUsed             the setup link is unknown, old, or was used
│   ├── LastAdministrator    nobody could administer the product any more
│   └── UnknownGroup         a membership names a group that does not exist
├── PictureRefused           a picture is an address, of another type, or damaged
├── SpeechError
│   ├── SpeechOff            no endpoint for speech is set up
│   ├── RecordingRefused     it is no sound of a form that is taken
│   ├── RecordingTooLong     it has more bytes or seconds than are taken
│   ├── NothingHeard         there are no words in it
│   ├── SpeechRefused        the endpoint does not take it
│   └── SpeechUnavailable    the endpoint does not answer, or not as it should
├── ConversationTooLong      no further question fits into this conversation
├── ImportRefused            a file of chats is not readable, or holds too much
└── ComeBackLater            refused for now, with the seconds to wait
    ├── TooManyAttempts      too many wrong passwords (also a PeopleError)
    └── Overloaded           the waiting room is full
"""

from __future__ import annotations


class AssistantError(Exception):
    """The root of this package's errors."""


class SettingsRefused(AssistantError):
    """The program must not start like this."""


class UnknownSetting(SettingsRefused):
    """The environment names a setting that does not exist."""


class InvalidSetting(SettingsRefused):
    """A value is out of its range."""


class WeakSecret(SettingsRefused):
    """A secret is missing, short, or known to everyone."""


class DataFolderRefused(AssistantError):
    """Nothing can be written to the data folder."""


class DatabaseRefused(AssistantError):
    """The database must not be opened like this."""


class DatabaseNewer(DatabaseRefused):
    """A newer program wrote the database."""


class UpgradeFailed(DatabaseRefused):
    """The upgrade was undone; the snapshot is intact."""


class PeopleError(AssistantError):
    """Something about users, groups or credentials was refused."""


class NameUnusable(PeopleError):
    """A name is empty, too long, or has unprintable characters."""


class UserNameTaken(PeopleError):
    """Another user or group has that name."""


class PasswordUnusable(PeopleError):
    """A new password is too short, too long, or too common."""


class WrongPassword(PeopleError):
    """Name and password do not belong together."""


class LinkUsed(PeopleError):
    """The setup link is unknown, old, or was used."""


class LastAdministrator(PeopleError):
    """Nobody could administer the product any more."""


class UnknownGroup(PeopleError):
    """A membership names a group that does not exist."""


class PictureRefused(AssistantError):
    """A picture cannot be taken as it came."""


class SpeechError(AssistantError):
    """A recording did not become words."""


class SpeechOff(SpeechError):
    """No endpoint for speech is set up."""


class RecordingRefused(SpeechError):
    """The recording is not of a form that is taken."""


class RecordingTooLong(SpeechError):
    """The recording has more bytes or seconds than are taken."""


class NothingHeard(SpeechError):
    """There are no words in the recording."""


class SpeechRefused(SpeechError):
    """The endpoint for speech does not take the recording."""


class SpeechUnavailable(SpeechError):
    """The endpoint for speech does not answer, or not as it should."""


class ConversationTooLong(AssistantError):
    """No further question fits into this conversation."""


class ImportRefused(AssistantError):
    """A file of chats is not readable, or holds too much."""


class ComeBackLater(AssistantError):
    """Refused for now; `retry_after_s` says when it makes sense to try again."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        """Keep `retry_after_s`, seconds from now."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyAttempts(ComeBackLater, PeopleError):
    """Too many wrong passwords: wait before the next sign-in."""


class Overloaded(ComeBackLater):
    """The waiting room is full; come back later."""
