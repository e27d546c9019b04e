"""The page behind a link to an order. Pure."""

from html import escape
from pathlib import Path

from api.live.words import Words
from api.pages import Pages, footer, over, unless, way
from api.track.view import View
from api.track.words import WORDS

_PAGES = Pages(Path(__file__).parent)
HEADERS = _PAGES.headers
render_unknown = _PAGES.write_unknown


def render(view: View) -> str:
    """The page as it stands."""
    words = WORDS[view.language]
    if view.over:
        end = over(view.headline, view.lede, words, well=view.well)
        return _PAGES.write(view.language, view.headline, end)
    body = _open(view, words) + over("", "", words, hidden=True)
    return _PAGES.write(view.language, view.headline, body, renewed=True)


def _open(view: View, words: Words) -> str:
    return "".join(
        (
            f'<div id="open" class="{"waits" if view.reached == 0 else ""}">',
            '<section class="card" aria-live="polite">',
            f'<h1 id="headline">{escape(view.headline)}</h1>',
            f'<p class="lede" id="lede">{escape(view.lede)}</p>',
            f'<p class="eta" id="eta"{unless(view.eta)}>{escape(view.eta or "")}</p>',
            f"{way(view.stations, view.reached)}</section>",
            _where(view),
            _who(view, words),
            _facts(view, words),
            f"{footer(words)}</div>",
        )
    )


def _where(view: View) -> str:
    # The drawing is ours, and what people named in it is escaped there.
    return (
        f'<section class="card where" id="where"{unless(view.picture or view.heard or view.stale)}>'
        f'<div id="picture"{unless(view.picture)}>{view.picture or ""}</div>'
        f'<p class="soft" id="heard"{unless(view.heard)}>{escape(view.heard or "")}</p>'
        f'<p class="warn" id="stale"{unless(view.stale)}>{escape(view.stale or "")}</p></section>'
    )


def _who(view: View, words: Words) -> str:
    return (
        f'<section class="card"><h2>{escape(words["who"])}</h2>'
        f'<div class="who" id="who"{unless(view.driver)}>'
        f'<b id="driver">{escape(view.driver or "")}</b>'
        f'<span id="vehicle"{unless(view.vehicle)}>{escape(view.vehicle or "")}</span>'
        f'<span class="plate" id="registration"{unless(view.registration)}>'
        f"{escape(view.registration or '')}</span></div>"
        f'<p id="nobody"{unless(not view.driver)}>{escape(words["nobody"])}</p></section>'
    )


def _facts(view: View, words: Words) -> str:
    rows = (("since", "since", view.since), ("start", "from", view.start), ("goal", "to", view.goal))
    lines = "".join(
        f'<div id="{name}-row"{unless(said)}><dt>{escape(words[word])}</dt>'
        f'<dd id="{name}">{escape(said or "")}</dd></div>'
        for name, word, said in rows
    )
    return f'<section class="card"><dl class="rows">{lines}</dl></section>'
