"""Charts as SVG images: no scripts, no outside fonts, and the colours of either colour scheme."""

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree as ET

from web.console.figures.tables import NumberTable

_WIDTH, _HEIGHT, _ROW_HEIGHT = 640, 280, 44  # pixels
_FONT = 13  # pixels, as in chart.css

#: The kind of pygal's graph by table; a table that is missing here has no chart.
KINDS = {
    "reports": "StackedBar", "waits": "Bar", "moves": "Bar",
    "calls": "HorizontalBar", "texts": "HorizontalBar",
}  # fmt: skip


@cache
def _style() -> str:
    return files(__package__).joinpath("chart.css").read_text(encoding="utf-8")


def policy() -> str:
    """The security policy of a drawing that is opened by itself: its own style alone."""
    digest = b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


def chart(table: NumberTable, label: str) -> str:
    """The chart of a table as SVG; ``label`` is its text for those that do not see it."""
    import pygal  # noqa: PLC0415 - 0.06 s that only a chart needs
    from pygal.style import Style  # noqa: PLC0415

    kind = KINDS[table.name]
    is_horizontal = kind.startswith("Horizontal")
    rows = table.rows[::-1] if is_horizontal else table.rows
    drawn = getattr(pygal, kind)(
        width=_WIDTH,
        height=_ROW_HEIGHT * (len(rows) + 1) if is_horizontal else _HEIGHT,
        js=[],
        css=[],
        no_prefix=True,
        disable_xml_declaration=True,
        title=None,
        x_labels=[row.label for row in rows],
        show_legend=len(table.head) > 2,  # noqa: PLR2004 - more than labels and one number
        legend_at_bottom=True,
        legend_at_bottom_columns=len(table.head) - 1,
        legend_box_size=12,
        truncate_label=-1,
        truncate_legend=-1,
        style=Style(label_font_size=_FONT, major_label_font_size=_FONT, legend_font_size=_FONT),
        margin=8,
        spacing=10,
        min_scale=3,
        max_scale=6,
        value_formatter=lambda value: f"{value:,.0f}" if value == int(value) else "",
    )
    for place, name in enumerate(table.head[1:]):
        drawn.add(name, [row.counts[place] for row in rows])
    drawn.add_xml_filter(lambda root: _as_image(root, label))
    return str(drawn.render(is_unicode=True))


def _as_image(root: "ET.Element", label: str) -> "ET.Element":
    """The drawing without scripts, comments and tooltips, in our style."""
    for parent in list(root.iter()):
        for child in list(parent):
            is_markup = isinstance(child.tag, str)
            is_tooltip = "tooltip-overlay" in child.get("class", "") if is_markup else False
            if not is_markup or child.tag in {"script", "desc"} or is_tooltip:
                parent.remove(child)
            elif child.tag == "style":
                child.text = _style()
            elif child.tag == "title" and parent is root:
                child.text = label
    root.set("role", "img")
    root.attrib.pop("id", None)
    return root
