"""Pages for who has no login: one small file each that needs no other, readable without scripts. Pure."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from pathlib import Path

from api.live.words import WORDS, Words, preferred

_FILES = Path(__file__).parent
_STYLE = (_FILES / "pages.css").read_text(encoding="utf-8")
_SCRIPT = (_FILES / "pages.js").read_text(encoding="utf-8")

# Whoever runs no scripts gets the page anew, less often.
_RENEWED = '<noscript><meta http-equiv="refresh" content="20"></noscript>'


class Pages:
    """Pages of one kind: what they share with all others, and the style and script of their own."""

    def __init__(self, folder: Path) -> None:
        self._style = _STYLE + (folder / "page.css").read_text(encoding="utf-8")
        self._script = _SCRIPT + (folder / "page.js").read_text(encoding="utf-8")

    @property
    def headers(self) -> dict[str, str]:
        """Nothing of the page is kept or handed on, and nothing runs in it but its own."""
        return {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src '{_hash(self._style)}'; script-src '{_hash(self._script)}';"
                " connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none';"
                " frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex, nofollow",
        }

    def write(self, language: str, title: str, body: str, *, renewed: bool = False) -> str:
        """The page; one that is `renewed` asks for what is new as long as it is looked at."""
        return (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            '<meta name="format-detection" content="telephone=no">'
            f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{self._style}</style>'
            f'{_RENEWED if renewed else ""}</head><body><main><p class="brand">Mayday</p>{body}</main>'
            f"{f'<script>{self._script}</script>' if renewed else ''}</body></html>"
        )

    def write_unknown(self, accepted: str) -> str:
        """What is shown for a link that is none, in a language the browser asked for."""
        language = preferred(accepted)
        words = WORDS[language]
        body = (
            f'<section class="card over"><h1>{escape(words["unknown"])}</h1>'
            f'<p class="lede">{escape(words["unknown.note"])}</p></section>'
        )
        return self.write(language, words["unknown"], body)


def way(stations: Sequence[str], reached: int) -> str:
    """The stations of a way, and how far it has come."""
    kinds = ["done" if i < reached else "here" if i == reached else "" for i in range(len(stations))]
    lines = "".join(
        f'<li class="{kind}">{escape(station)}</li>' for kind, station in zip(kinds, stations, strict=True)
    )
    return f'<ol class="way" id="way">{lines}</ol>'


def over(
    headline: str, lede: str, words: Words, *, before: str = "", well: bool = True, hidden: bool = False
) -> str:
    """How it ended; an open page has it too, to show it when the time comes."""
    return (
        f'<div id="over"{" hidden" if hidden else ""}>{before}'
        f'<section class="card over" aria-live="polite"><div class="ring" id="ring"{unless(well)}></div>'
        f'<h1 id="over-headline">{escape(headline)}</h1><p class="lede" id="over-lede">{escape(lede)}</p>'
        f'<p class="soft">{escape(words["over.note"])}</p></section></div>'
    )


def footer(words: Words) -> str:
    """That the page renews itself, and when it cannot."""
    return (
        f"<footer><p>{escape(words['updated'])}</p>"
        f'<p class="warn" id="offline" hidden>{escape(words["offline"])}</p></footer>'
    )


def unless(shown: object) -> str:
    """What hides an element that has nothing to show."""
    return "" if shown else " hidden"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
