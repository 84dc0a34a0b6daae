"""annex.docx: the lease's rent table, two headings. Written part by part, so that its bytes never change."""

from __future__ import annotations

from xml.sax.saxutils import escape

from assets.samples_src.packing import stored_zip

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"

FIRST_YEAR = 2024
RENTS = (3850, 3920, 4010, 4100, 4180, 4270, 4350, 4440, 4530, 4620)  # euros a month, year by year


def annex() -> bytes:
    """Return annex.docx."""
    rows: list[tuple[str, ...]] = [("Year", "From", "To", "Rent a month, euros")]
    for number, rent in enumerate(RENTS, 1):
        begin = FIRST_YEAR + number - 1
        leap = (begin + 1) % 4 == 0
        rows.append((str(number), f"1 March {begin}", f"{29 if leap else 28} February {begin + 1}", f"{rent:,}"))
    body = "".join(
        (
            _paragraph("Annex to the lease of Shed 7, Old Harbour, Vellmar."),
            _paragraph("Rent by year", "Heading1"),
            _paragraph("Clause 4.1 of the lease points to this table. The sums are fixed and follow no index."),
            _table(rows),
            _paragraph("Other sums due each month", "Heading1"),
            _paragraph("The advance on shared costs is 290 euros (clause 6.3). It is paid together with the rent."),
            _paragraph("The mooring at pontoon D, place 14, costs 95 euros from February 2026 (Amendment No. 3)."),
            _paragraph("No rent is due for the loft while its stair is missing (clause 4.5)."),
        )
    )
    return stored_zip(
        {
            "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{_TYPE}.document.main+xml"/>'
            f'<Override PartName="/word/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
            "_rels/.rels": _links("officeDocument", "word/document.xml"),
            "word/_rels/document.xml.rels": _links("styles", "styles.xml"),
            "word/styles.xml": f"{_HEAD}<w:styles {_W}>{_style('Normal', 22, default=True)}{_style('Title', 36)}"
            f"{_style('Heading1', 28, name='heading 1', level=0)}</w:styles>",
            "word/document.xml": f"{_HEAD}<w:document {_W}><w:body>{body}<w:sectPr/></w:body></w:document>",
        }
    )


def _links(kind: str, target: str) -> str:
    link = f'<Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{link}</Relationships>'


def _style(key: str, half_points: int, *, name: str = "", level: int | None = None, default: bool = False) -> str:
    outline = "" if level is None else f'<w:pPr><w:keepNext/><w:outlineLvl w:val="{level}"/></w:pPr>'
    return (
        f'<w:style w:type="paragraph" {"w:default=" + chr(34) + "1" + chr(34) if default else ""} w:styleId="{key}">'
        f'<w:name w:val="{name or key}"/>{outline}<w:rPr><w:sz w:val="{half_points}"/></w:rPr></w:style>'
    )


def _paragraph(text: str, style: str = "Normal") -> str:
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>'
        f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4"/>' for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    lines = "".join(f"<w:tr>{''.join(f'<w:tc>{_paragraph(cell)}</w:tc>' for cell in row)}</w:tr>" for row in rows)
    grid = "<w:gridCol/>" * len(rows[0])
    return f"<w:tbl><w:tblPr><w:tblBorders>{edges}</w:tblBorders></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{lines}</w:tbl>"
