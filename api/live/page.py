"""The page behind a guardian's link: one small file that needs no other, readable without scripts. Pure."""

import base64
import hashlib
from html import escape
from pathlib import Path

from api.live.view import View
from api.live.words import WORDS, Words, preferred

_FILES = Path(__file__).parent
_STYLE = (_FILES / "page.css").read_text(encoding="utf-8")
_SCRIPT = (_FILES / "page.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src '{_hash(_STYLE)}'; script-src '{_hash(_SCRIPT)}'; connect-src 'self';"
        " img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Nothing of the page is kept or handed on, and nothing runs in it but its own."""


def render(view: View, *, path: str) -> str:
    """The page as it stands; `path` is its own."""
    words = WORDS[view.language]
    if view.over:
        end = _over(view.headline, view.lede, words, view.exercise, well=view.well)
        return _document(view.language, view.headline, end)
    body = _exercise(view.exercise) + _open(view, words, path) + _over("", "", words, None, hidden=True)
    # Whoever runs no scripts gets the page anew, less often.
    renew = '<noscript><meta http-equiv="refresh" content="20"></noscript>'
    return _document(view.language, view.headline, body, head=renew, script=True)


def render_unknown(accepted: str) -> str:
    """What is shown for a link that is none, in a language the browser asked for."""
    language = preferred(accepted)
    words = WORDS[language]
    body = (
        f'<section class="card over"><h1>{escape(words["unknown"])}</h1>'
        f'<p class="lede">{escape(words["unknown.note"])}</p></section>'
    )
    return _document(language, words["unknown"], body)


def _document(language: str, title: str, body: str, *, head: str = "", script: bool = False) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="format-detection" content="telephone=no">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_STYLE}</style>{head}</head>'
        f'<body><main><p class="brand">Mayday</p>{body}</main>'
        f"{f'<script>{_SCRIPT}</script>' if script else ''}</body></html>"
    )


def _open(view: View, words: Words, path: str) -> str:
    return "".join(
        (
            f'<div id="open" class="{"waits" if view.reached < 2 else ""}">',
            '<section class="card" aria-live="polite">',
            f'<h1 id="headline">{escape(view.headline)}</h1>',
            f'<p class="lede" id="lede">{escape(view.lede)}</p>',
            f'<ol class="way" id="way">{_way(view)}</ol></section>',
            _coming(view, words),
            _facts(view, words),
            _speak(view, words, path),
            f"<footer><p>{escape(words['updated'])}</p>",
            f'<p class="warn" id="offline" hidden>{escape(words["offline"])}</p></footer></div>',
        )
    )


def _way(view: View) -> str:
    kinds = ["done" if i < view.reached else "here" if i == view.reached else "" for i in range(4)]
    return "".join(
        f'<li class="{kind}">{escape(station)}</li>'
        for kind, station in zip(kinds, view.stations, strict=True)
    )


def _coming(view: View, words: Words) -> str:
    people = "".join(
        f"<li><b>{escape(each['name'])}</b><span>{escape(each['how'])}</span></li>" for each in view.coming
    )
    return (
        f'<section class="card"><h2>{escape(words["coming"])}</h2>'
        f'<ul class="people" id="coming"{_unless(view.coming)}>{people}</ul>'
        f'<p id="nobody"{_unless(not view.coming)}>{escape(words["coming.none"])}</p></section>'
    )


def _facts(view: View, words: Words) -> str:
    geo = escape(view.geo or "")
    return (
        '<section class="card"><dl class="rows">'
        f'<div><dt>{escape(words["since"])}</dt><dd id="since">{escape(view.since or "")}</dd></div>'
        f"<div><dt>{escape(words['place'])}</dt>"
        f'<dd><span class="place" id="place">{escape(view.place or "")}</span>'
        f'<p class="soft" id="place-note"{_unless(view.place_note)}>{escape(view.place_note or "")}</p>'
        f'<p class="warn" id="signal"{_unless(view.signal)}>{escape(view.signal or "")}</p>'
        f'<a class="map" id="map" href="{geo}"{_unless(view.geo)}>{escape(words["map"])}</a></dd></div>'
        f'<div id="battery-row"{_unless(view.battery)}><dt>{escape(words["battery"])}</dt>'
        f'<dd id="battery">{escape(view.battery or "")}</dd></div></dl></section>'
    )


def _speak(view: View, words: Words, path: str) -> str:
    return (
        f'<section class="card"><p class="ask">{escape(view.spoke or "")}</p>'
        f'<p class="soft">{escape(words["spoke.why"])}</p>'
        f'<form method="post" action="{escape(path)}/spoke">'
        f'<button class="fine" name="words" value="fine">{escape(words["fine"])}</button>'
        f'<button class="help" name="words" value="needs_help">{escape(words["needs_help"])}</button></form>'
        f'<div class="said" id="said-row"{_unless(view.said)}>'
        f'<span id="said">{escape(view.said or "")}</span>'
        f"<br>{escape(words['thanks'])}</div></section>"
    )


def _over(
    headline: str, lede: str, words: Words, exercise: str | None, *, well: bool = True, hidden: bool = False
) -> str:
    return (
        f'<div id="over"{" hidden" if hidden else ""}>{_exercise(exercise)}'
        f'<section class="card over" aria-live="polite"><div class="ring" id="ring"{_unless(well)}></div>'
        f'<h1 id="over-headline">{escape(headline)}</h1><p class="lede" id="over-lede">{escape(lede)}</p>'
        f'<p class="soft">{escape(words["over.note"])}</p></section></div>'
    )


def _exercise(said: str | None) -> str:
    return f'<p class="exercise">{escape(said)}</p>' if said else ""


def _unless(shown: object) -> str:
    return "" if shown else " hidden"
