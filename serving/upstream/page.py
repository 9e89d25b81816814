"""The page of a move: does ours agree, how fast is each, what differs. No script, no outside asset."""

import html
from collections.abc import Iterable

from serving.upstream.compare import OUTCOMES, SAME
from serving.upstream.ledger import LEFT_OUT, OURS, UPSTREAM, Ledger

REFRESH_S = 5
STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #b35900; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.figure { font-size: 3.2rem; font-weight: 650; line-height: 1.1; margin: 1rem 0 0; }
.good { color: var(--good); } .bad { color: var(--bad); } p { margin: .2rem 0; } .quiet { opacity: .7; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; white-space: nowrap; } td.n { text-align: right; } th.n { text-align: right; }
code { font-size: .82rem; overflow-wrap: anywhere; }
.differences td:nth-child(-n+4) code { white-space: nowrap; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #e0932f; } }
"""
HEADERS = (
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("cache-control", "no-store"),
)


def page(ledger: Ledger, upstream: str) -> bytes:
    """HTML of this moment; asks for itself again every few seconds."""
    compared = sum(ledger.outcomes.values())
    same = ledger.outcomes[SAME]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content={REFRESH_S}>",
        f"<meta name=viewport content='width=device-width'><title>Moving</title><style>{STYLE}</style>",
        f"<h1>Moving from {html.escape(upstream)}</h1>",
        "<p class=quiet>Its answers go to the clients. Ours are compared with them here, and go nowhere.</p>",
        _headline(same, compared, ledger.largest),
        "<h2>Latency</h2>",
        _latencies(ledger),
        "<h2>Requests</h2>",
        _counts(ledger),
        "<h2>What differs</h2>",
        _differences(ledger),
        "<p class=quiet><a href=/metrics>metrics</a></p></html>",
    ]
    return "\n".join(parts).encode()


def _headline(same: int, compared: int, largest: float) -> str:
    if not compared:
        return "<p class=figure>&ndash;</p><p>Nothing was compared yet. Send predictions to this server.</p>"
    kind = "good" if same == compared else "bad"
    # floor: 100 % is said of all, not of nearly all
    return (
        f"<p class='figure {kind}'>{int(10_000 * same / compared) / 100:g} %</p>"
        f"<p>answered the same: {same:,} of {compared:,}. Largest difference of a probability: {largest:.1e}.</p>"
    )


def _latencies(ledger: Ledger) -> str:
    rows = []
    for name, words in ((UPSTREAM, "upstream"), (OURS, "ours, beside it and at low priority")):
        taken = sorted(ledger.latencies[name])
        quantiles = [
            f"{1000 * taken[min(len(taken) - 1, int(q * len(taken)))]:.1f}" if taken else "" for q in (0.5, 0.99)
        ]
        rows.append((words, *quantiles, f"{len(taken):,}"))
    return _table(("", "p50, ms", "p99, ms", "latest"), rows)


def _counts(ledger: Ledger) -> str:
    rows = [(name, words, f"{ledger.outcomes[name]:,}") for name, words in OUTCOMES.items()]
    rows += [(f"not compared: {name}", words, f"{ledger.left_out[name]:,}") for name, words in LEFT_OUT.items()]
    return _table(("", "", "count"), rows, numbers=1)


def _differences(ledger: Ledger) -> str:
    if not ledger.differences:
        return "<p>Nothing so far.</p>"
    rows = [(d.moment, d.request, d.photograph, d.outcome, d.theirs, d.ours) for d in reversed(ledger.differences)]
    head = ("when", "request", "SHA-256", "", "upstream", "ours")
    body = "".join(f"<tr>{''.join(f'<td><code>{html.escape(cell)}</code></td>' for cell in row)}</tr>" for row in rows)
    names = "".join(f"<th>{cell}</th>" for cell in head)
    return f"<div class='wide differences'><table><tr>{names}</tr>{body}</table></div>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: int = 3) -> str:
    """The last `numbers` columns are figures."""
    first = len(head) - numbers

    def row(cells: tuple[str, ...], tag: str) -> str:
        kinds = ["" if index < first else " class=n" for index in range(len(cells))]
        return (
            "<tr>" + "".join(f"<{tag}{k}>{html.escape(c)}</{tag}>" for k, c in zip(kinds, cells, strict=True)) + "</tr>"
        )

    return f"<table>{row(head, 'th')}{''.join(row(cells, 'td') for cells in rows)}</table>"
