"""An export as a page that a court or a family can read, on paper too. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from api.proof.drawing import draw
from api.proof.schemas import (
    AttemptLine,
    CallLine,
    Export,
    IncidentLine,
    MessageLine,
    PersonLine,
    TimelineLine,
    TrackLine,
)
from api.proof.sealing import Digest
from dispatch.sos.steps import Target

_STYLE = """
:root { --ink: #1b1f24; --soft: #5d6670; --line: #d8dde3; --strong: #b3261e; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.45 system-ui, "Segoe UI", Roboto, sans-serif; color: var(--ink); background: #fff;
       max-width: 190mm; margin: 12mm auto; padding: 0 6mm; }
h1 { font-size: 19pt; line-height: 1.2; margin: 0 0 1mm; }
h2 { font-size: 12.5pt; margin: 9mm 0 2mm; padding-bottom: 1mm; border-bottom: 1.5pt solid var(--ink); }
p { margin: 1.5mm 0; } .soft { color: var(--soft); }
.banner { border: 1.5pt solid var(--strong); color: var(--strong); padding: 2mm 3mm; margin: 4mm 0;
          font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 3mm 0; }
dt { color: var(--soft); } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt; }
th { text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: 1mm 3mm 1mm 0; border-bottom: .5pt solid var(--line); vertical-align: top; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
tr { break-inside: avoid; } thead { display: table-header-group; }
.track { display: flex; gap: 8mm; align-items: center; break-inside: avoid; }
svg { border: .5pt solid var(--line); flex: none; }
code { font: 9pt ui-monospace, monospace; overflow-wrap: anywhere; }
@page { size: A4; margin: 14mm 12mm; }
@media print { body { margin: 0; max-width: none; padding: 0; } }
"""

_WORDS = {
    "opened": "Call for help received",
    "activated": "Countdown over: people are asked",
    "joined": "Pressed again",
    "acknowledged": "Taken by a dispatcher",
    "acknowledgement_lapsed": "No sign of the dispatcher: asked anew",
    "asked": "Asked for help",
    "escalated": "Asked further",
    "guardian_spoke": "A guardian spoke to the wearer",
    "cancel_asked": "The wearer asked to cancel",
    "resolved": "Ended",
}


def render(told: Export, digest: Digest) -> str:
    """The whole page, in one file that needs no other."""
    incident = told.incidents[0]
    parts = [
        _head(told, incident),
        _section("What happened", _timeline(told.timeline)),
        _section("Where", "".join(map(_track, told.tracks)) or _nothing("No device told anything.")),
        _section("Who was asked to come", _calls(told.calls)),
        _section("Who was told, and what each channel answered", _messages(told.messages, told.alerts)),
        _section("What the devices sent", _reports(told)),
        _section("Rules that applied", _policy(incident)),
        _section("Who read this record", _readers(told)),
        _section("This copy", _seal(told, digest)),
    ]
    title = f"Incident {incident.id}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _head(told: Export, incident: IncidentLine) -> str:
    marks = ""
    if incident.exercise:
        marks += '<p class="banner">This was an exercise.</p>'
    if incident.duress:
        marks += '<p class="banner">Cancelled under duress: the wearer was not free to speak.</p>'
    others = ", ".join(str(each.id) for each in told.incidents[1:])
    facts = {
        "Called for help": _time(incident.opened_at),
        "Wearer": _named(incident.wearer),
        "Device": incident.device_uid,
        "Kind": f"{incident.type}{f', severity {incident.severity}' if incident.severity else ''}",
        "Place": _place(incident),
        "Region": incident.region,
        "Taken by": _named(incident.acknowledged_by),
        "Ended": f"{_time(incident.resolved_at)}, {_words(incident.outcome)}"
        if incident.resolved_at
        else f"not yet: {_words(incident.state)}",
        "Merged into this": others,
    }
    return (
        f'<h1>A call for help</h1><p class="soft">Incident <code>{incident.id}</code>. All times are UTC.</p>'
        f"{marks}{_list(facts)}"
    )


def _timeline(events: Sequence[TimelineLine]) -> str:
    rows = [
        (
            _time(event.at),
            f"<strong>{escape(_WORDS.get(event.kind, _words(event.kind)))}</strong>",
            escape(_named(event.by)),
            escape(_detail(event.detail)),
        )
        for event in events
    ]
    return _table(("Time", "What", "By", "Details"), rows)


def _track(track: TrackLine) -> str:
    if not track.positions:
        said = f"{track.device_uid} sent no position between {_time(track.since)} and {_time(track.until)}."
        return _nothing(said)
    first, last = track.positions[0], track.positions[-1]
    thinned = f", {len(track.positions)} of them shown" if track.fixes > len(track.positions) else ""
    facts = {
        "Device": track.device_uid,
        "First": f"{_time(first.at)}: {_degrees(first.lat, first.lon)}",
        "Last": f"{_time(last.at)}: {_degrees(last.lat, last.lon)}{_give_or_take(last.accuracy_m)}",
        "Fixes": f"{track.fixes}{thinned}",
        "Measurements": str(track.measurements),
        "Heart rate": _span([each.heart_rate_bpm for each in track.vitals], "a minute"),
        "Oxygen": _span([each.spo2_pct for each in track.vitals], "%"),
    }
    return f'<div class="track">{_picture(track)}{_list(facts)}</div>'


def _picture(track: TrackLine) -> str:
    """The track from the ring to the dot, north up, with a length to measure by."""
    drawing = draw([(fix.lat, fix.lon) for fix in track.positions])
    size = f"{drawing.size:.0f}"
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawing.points)
    (from_x, from_y), (to_x, to_y) = drawing.points[0], drawing.points[-1]
    foot = drawing.size - 12
    blue = 'stroke="#3569a8" stroke-width="1.6"'
    return "".join(
        (
            f'<svg width="{size}" height="{size}" viewBox="0 0 {size} {size}" role="img"',
            ' aria-label="The track, north up">',
            f'<polyline points="{line}" fill="none" {blue} stroke-linejoin="round"/>',
            f'<circle cx="{from_x:.1f}" cy="{from_y:.1f}" r="4" fill="#fff" {blue}/>',
            f'<circle cx="{to_x:.1f}" cy="{to_y:.1f}" r="5" fill="#b3261e"/>',
            f'<path d="M12 {foot:.1f} h{drawing.bar:.1f}" stroke="#1b1f24" stroke-width="2"/>',
            f'<text x="12" y="{foot - 6:.1f}" font-size="11" fill="#1b1f24">{drawing.bar_m} m</text></svg>',
        )
    )


def _calls(calls: Sequence[CallLine]) -> str:
    if not calls:
        return _nothing("No helper was asked.")
    rows = [
        (
            _time(call.asked_at),
            escape(call.helper.full_name),
            str(call.wave),
            escape(_words(call.state)),
            _time(call.answered_at) or "no answer",
            _time(call.on_scene_at),
            escape(
                ", ".join(filter(None, (_metres(call.distance_m), f"chance {call.chance:.0%}", call.why)))
            ),
        )
        for call in calls
    ]
    return _table(("Asked", "Helper", "Wave", "State", "Answered", "On scene", "Details"), rows)


def _messages(messages: Sequence[MessageLine], alerts: Sequence[AttemptLine]) -> str:
    rows = [
        (
            _time(attempt.at),
            escape(message.to),
            escape(message.text),
            escape(attempt.channel),
            _answer(attempt),
        )
        for message in messages
        for attempt in message.attempts
    ]
    confirmed = [
        (_time(message.confirmed_at), escape(message.to), escape(message.text), "", "confirmed")
        for message in messages
        if message.confirmed_at
    ]
    shown = [(_time(alert.at), "dispatchers", "incident", "alert topic", _answer(alert)) for alert in alerts]
    told = sorted([*rows, *confirmed, *shown])
    return _table(("Time", "To", "What", "Channel", "Answer"), told) if told else _nothing("Nobody was told.")


def _reports(told: Export) -> str:
    rows = [
        (
            _time(report.received_at),
            escape(report.device_uid),
            escape(report.type),
            escape(_degrees(report.lat, report.lon) + _give_or_take(report.accuracy_m)),
            escape(
                ", ".join(
                    filter(
                        None, (f"by {report.via}", f"its clock: {_words(report.clock.name)}", *report.notes)
                    )
                )
            ),
        )
        for report in told.reports
    ]
    return _table(("Received", "Device", "Kind", "Place", "Details"), rows)


def _policy(incident: IncidentLine) -> str:
    rows = [
        (f"after {step.get('after_s', 0):g} s", escape(_whom(step.get("whom", ""))))
        for step in incident.policy
    ]
    said = (
        f"Policy “{escape(incident.policy_name)}”, as it was when the call came in;"
        f" the last step comes again every {incident.repeat_s} s."
    )
    return f"<p>{said}</p>{_table(('When', 'Whom'), rows)}"


def _readers(told: Export) -> str:
    rows = [(_time(line.at), escape(line.by or "the machine"), escape(line.action)) for line in told.audit]
    return _table(("Time", "Who", "What"), rows) if rows else _nothing("Nobody before this export.")


def _seal(told: Export, digest: Digest) -> str:
    return (
        f"<p>Made {_time(told.made_at)} for {escape(told.made_by.full_name)}."
        " Fingerprint and seal are those of the same record as data, from <code>GET …/export/</code>."
        " Whether a copy of it is unchanged, <code>POST …/incidents/exports/check/</code> tells.</p>"
        f"<dl><dt>SHA-256</dt><dd><code>{digest.sha256}</code></dd>"
        f"<dt>Seal</dt><dd><code>{digest.seal}</code></dd></dl>"
    )


# Words and figures.


def _section(title: str, inner: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inner}</section>"


def _nothing(said: str) -> str:
    return f'<p class="soft">{escape(said)}</p>'


def _list(facts: dict[str, str]) -> str:
    known = "".join(f"<dt>{name}</dt><dd>{escape(said)}</dd>" for name, said in facts.items() if said)
    return f"<dl>{known}</dl>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(
        f'<tr><td class="time">{row[0]}</td>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else ""


def _words(name: str | None) -> str:
    return (name or "").lower().replace("_", " ").replace(".", " ")


def _named(person: PersonLine | None) -> str:
    return f"{person.full_name}{f', {person.phone}' if person.phone else ''}" if person else ""


def _place(incident: IncidentLine) -> str:
    if incident.lat is None:
        return "unknown"
    source = f" ({_words(incident.position_source)}, {_time(incident.position_at)})"
    return _degrees(incident.lat, incident.lon) + _give_or_take(incident.accuracy_m) + source


def _degrees(lat: float | None, lon: float | None) -> str:
    return "" if lat is None or lon is None else f"{lat:.6f}, {lon:.6f}"


def _give_or_take(accuracy_m: float | None) -> str:
    return f" ± {accuracy_m:.0f} m" if accuracy_m is not None else ""


def _metres(distance_m: float | None) -> str:
    return f"{distance_m:.0f} m away" if distance_m is not None else ""


def _span(values: Iterable[int | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known)} to {max(known)} {unit}" if known else ""


def _answer(attempt: AttemptLine) -> str:
    return escape(attempt.answer if attempt.ok else f"failed: {attempt.answer}")


def _whom(whom: str | Sequence[str]) -> str:
    return _words(whom) if isinstance(whom, str) else ", ".join(map(_words, whom))


def _detail(detail: dict[str, Any]) -> str:
    told = {name: said for name, said in detail.items() if said not in ("", None)}
    return ", ".join(f"{_words(name)}: {_said(said)}" for name, said in told.items())


def _said(value: Any) -> str:
    """What a line of the timeline holds: whom a step reached is told by whom it asked."""
    if isinstance(value, dict):
        return "; ".join(f"{_words(name)} {_said(said)}" for name, said in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return _words(value) if value in set(Target) else str(value)
