"""The chart of docs/performance.md, as SVG."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tests.bench.targets import Row

LINE, LEFT, WIDTH, MOST = 34, 430, 300, 2.0


def chart(rows: list[Row]) -> str:
    """A bar for each row, against its peer (1) and what is wanted; bars beyond 2 are cut there."""
    height = LINE * len(rows) + 40
    unit = WIDTH / MOST
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" height="{height}" '
        'font-family="sans-serif" font-size="13" role="img" aria-label="Ratios to peers">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, row in enumerate(rows):
        top = LINE * number + 8
        length = min(row.ratio.median, MOST) * unit
        colour = "#2a7f62" if row.is_met else "#b3441e"
        parts.append(f'<text x="{LEFT - 10}" y="{top + 15}" text-anchor="end">{escape(row.title)}</text>')
        parts.append(f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="20" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + length + 6:.1f}" y="{top + 15}">{row.ratio.median:.2f}</text>')
        limit = row.most if row.most is not None else row.least
        if limit is not None:
            at = LEFT + min(limit, MOST) * unit
            parts.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top - 3}" y2="{top + 23}" '
                'stroke="#333" stroke-dasharray="3 2"/>'
            )
    at, bottom = LEFT + unit, LINE * len(rows) + 8
    parts.append(f'<line x1="{at}" x2="{at}" y1="4" y2="{bottom}" stroke="#999"/>')
    parts.append(f'<text x="{at}" y="{bottom + 18}" text-anchor="middle" fill="#555">the peer; dashed: wanted</text>')
    return "\n".join([*parts, "</svg>", ""])
