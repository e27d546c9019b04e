"""The page behind a guardian's link. Pure."""

from html import escape
from pathlib import Path

from api.live.view import View
from api.live.words import WORDS, Words
from api.pages import Pages, footer, over, unless, way

_PAGES = Pages(Path(__file__).parent)
HEADERS = _PAGES.headers
render_unknown = _PAGES.write_unknown


def render(view: View, *, path: str) -> str:
    """The page as it stands; `path` is its own."""
    words = WORDS[view.language]
    if view.over:
        end = over(view.headline, view.lede, words, before=_exercise(view.exercise), well=view.well)
        return _PAGES.write(view.language, view.headline, end)
    body = _exercise(view.exercise) + _open(view, words, path) + over("", "", words, hidden=True)
    return _PAGES.write(view.language, view.headline, body, renewed=True)


def _open(view: View, words: Words, path: str) -> str:
    return "".join(
        (
            f'<div id="open" class="{"waits" if view.reached < 2 else ""}">',
            '<section class="card" aria-live="polite">',
            f'<h1 id="headline">{escape(view.headline)}</h1>',
            f'<p class="lede" id="lede">{escape(view.lede)}</p>',
            f"{way(view.stations, view.reached)}</section>",
            _coming(view, words),
            _facts(view, words),
            _speak(view, words, path),
            f"{footer(words)}</div>",
        )
    )


def _coming(view: View, words: Words) -> str:
    people = "".join(
        f"<li><b>{escape(each['name'])}</b><span>{escape(each['how'])}</span></li>" for each in view.coming
    )
    return (
        f'<section class="card"><h2>{escape(words["coming"])}</h2>'
        f'<ul class="people" id="coming"{unless(view.coming)}>{people}</ul>'
        f'<p id="nobody"{unless(not view.coming)}>{escape(words["coming.none"])}</p></section>'
    )


def _facts(view: View, words: Words) -> str:
    geo = escape(view.geo or "")
    return (
        '<section class="card"><dl class="rows">'
        f'<div><dt>{escape(words["since"])}</dt><dd id="since">{escape(view.since or "")}</dd></div>'
        f"<div><dt>{escape(words['place'])}</dt>"
        f'<dd><span class="place" id="place">{escape(view.place or "")}</span>'
        f'<p class="soft" id="place-note"{unless(view.place_note)}>{escape(view.place_note or "")}</p>'
        f'<p class="warn" id="signal"{unless(view.signal)}>{escape(view.signal or "")}</p>'
        f'<a class="map" id="map" href="{geo}"{unless(view.geo)}>{escape(words["map"])}</a></dd></div>'
        f'<div id="battery-row"{unless(view.battery)}><dt>{escape(words["battery"])}</dt>'
        f'<dd id="battery">{escape(view.battery or "")}</dd></div></dl></section>'
    )


def _speak(view: View, words: Words, path: str) -> str:
    return (
        f'<section class="card"><p class="ask">{escape(view.spoke or "")}</p>'
        f'<p class="soft">{escape(words["spoke.why"])}</p>'
        f'<form method="post" action="{escape(path)}/spoke">'
        f'<button class="fine" name="words" value="fine">{escape(words["fine"])}</button>'
        f'<button class="help" name="words" value="needs_help">{escape(words["needs_help"])}</button></form>'
        f'<div class="said" id="said-row"{unless(view.said)}>'
        f'<span id="said">{escape(view.said or "")}</span>'
        f"<br>{escape(words['thanks'])}</div></section>"
    )


def _exercise(said: str | None) -> str:
    return f'<p class="exercise">{escape(said)}</p>' if said else ""
