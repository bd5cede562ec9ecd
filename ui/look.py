"""The look and the behaviour of Streamlit, handed over when the server starts: one theme, light and dark.

Colours: warm paper and ink, one green for whatever can be followed or is trusted. Text in Source Sans, headings in
Source Serif; both come with Streamlit, so nothing is fetched.
"""

from __future__ import annotations

from ui.settings import UiSettings

Options = dict[str, str | int | float | bool | list[str] | list[int]]

_LIGHT: dict[str, str] = {
    "primaryColor": "#1c6b57",
    "backgroundColor": "#fdfcfa",
    "secondaryBackgroundColor": "#f3f0e9",
    "textColor": "#1f2522",
    "borderColor": "#e2ddd2",
    "linkColor": "#1c6b57",
    "grayColor": "#6b6f69",
    "grayTextColor": "#63675f",
    "grayBackgroundColor": "#efece4",
    "greenColor": "#1c6b57",
    "greenTextColor": "#155443",
    "greenBackgroundColor": "#e3f1ea",
    "blueColor": "#2f6690",
    "blueTextColor": "#24567c",
    "blueBackgroundColor": "#e6eff6",
    "orangeColor": "#b8651b",
    "orangeTextColor": "#8a4a10",
    "orangeBackgroundColor": "#fbf0e2",
    "redColor": "#b23b2e",
    "redTextColor": "#992f23",
    "redBackgroundColor": "#fbeae7",
    "codeBackgroundColor": "#f3f0e9",
    "codeTextColor": "#1f2522",
}
_DARK: dict[str, str] = {
    "primaryColor": "#63c3a5",
    "backgroundColor": "#161917",
    "secondaryBackgroundColor": "#222725",
    "textColor": "#e9e7e1",
    "borderColor": "#323835",
    "linkColor": "#7fd0b6",
    "grayColor": "#a2a69f",
    "grayTextColor": "#a6aaa2",
    "grayBackgroundColor": "#282d2b",
    "greenColor": "#63c3a5",
    "greenTextColor": "#86d3ba",
    "greenBackgroundColor": "#19332b",
    "blueColor": "#7fb3d9",
    "blueTextColor": "#9cc6e6",
    "blueBackgroundColor": "#1c2d3a",
    "orangeColor": "#e0a366",
    "orangeTextColor": "#e9b987",
    "orangeBackgroundColor": "#38291a",
    "redColor": "#e88476",
    "redTextColor": "#f0a399",
    "redBackgroundColor": "#3a2220",
    "codeBackgroundColor": "#222725",
    "codeTextColor": "#e9e7e1",
}
_SIDEBARS = {
    "light": {"backgroundColor": "#f5f2eb", "secondaryBackgroundColor": "#eae6dc", "borderColor": "#e2ddd2"},
    "dark": {"backgroundColor": "#121513", "secondaryBackgroundColor": "#1d2220", "borderColor": "#2a302d"},
}


def options(settings: UiSettings) -> Options:
    """Return Streamlit's configuration by full name."""
    return {**_behaviour(settings), **_shape(), **_colours("light", _LIGHT), **_colours("dark", _DARK)}


def _behaviour(settings: UiSettings) -> Options:
    return {
        "server.address": settings.host,
        "server.port": settings.port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.maxUploadSize": settings.max_upload_mb,
        "server.enableAgentApi": False,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "logger.level": "warning",
    }


def _shape() -> Options:
    return {
        "theme.font": "sans-serif",
        "theme.headingFont": "serif",
        "theme.codeFont": "monospace",
        "theme.baseFontSize": 16,
        "theme.baseRadius": "0.7rem",
        "theme.buttonRadius": "0.6rem",
        "theme.headingFontSizes": ["2.1rem", "1.25rem", "1.25rem", "1.1rem", "1rem", "0.9rem"],
        "theme.headingFontWeights": [600, 600, 600, 600, 600, 600],
        "theme.showWidgetBorder": True,
        "theme.showSidebarBorder": True,
        "theme.linkUnderline": True,
    }


def _colours(mode: str, colours: dict[str, str]) -> Options:
    page: Options = {f"theme.{mode}.{name}": value for name, value in colours.items()}
    sidebar: Options = {f"theme.{mode}.sidebar.{name}": value for name, value in _SIDEBARS[mode].items()}
    return {**page, **sidebar}
