"""Writes spreadsheets for tests: .xlsx as Excel has them, .ods as LibreOffice has them."""

from __future__ import annotations

import datetime
import io
import zipfile
from xml.sax.saxutils import escape

import xlsxwriter

_NAMESPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
    for short in ("office", "table", "text")
)
_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


def xlsx(sheets):
    """Return a workbook, from a list of rows for each of its sheets; None is an empty cell."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        moment = book.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if cell is None:
                        continue
                    if isinstance(cell, bool):
                        sheet.write_boolean(row, column, cell)
                    elif isinstance(cell, str):
                        sheet.write_string(row, column, cell)
                    elif isinstance(cell, datetime.datetime):
                        sheet.write_datetime(row, column, cell, moment)
                    elif isinstance(cell, datetime.date):
                        sheet.write_datetime(row, column, cell, day)
                    else:
                        sheet.write_number(row, column, cell)
    return file.getvalue()


def ods(sheets):
    """Return a workbook of LibreOffice; see `xlsx`. Below its rows are a million empty ones."""
    tables = "".join(
        f'<table:table table:name="{escape(name)}">{"".join(map(_ods_row, rows))}'
        '<table:table-row table:number-rows-repeated="1000000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>'
        for name, rows in sheets.items()
    )
    manifest = "".join(
        f'<m:file-entry m:full-path="{path}" m:media-type="{kind}"/>'
        for path, kind in (("/", _TYPE), ("content.xml", "text/xml"))
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _TYPE, zipfile.ZIP_STORED)
        archive.writestr(
            "META-INF/manifest.xml", f'<m:manifest xmlns:m="{_MANIFEST}">{manifest}</m:manifest>'
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {_NAMESPACES}><office:body><office:spreadsheet>{tables}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return file.getvalue()


def _ods_row(cells):
    return f"<table:table-row>{''.join(map(_ods_cell, cells))}</table:table-row>"


def _ods_cell(cell):
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, bool):
        kind, value = "boolean", f'office:boolean-value="{str(cell).lower()}"'
    elif isinstance(cell, str):
        kind, value = "string", ""
    elif isinstance(cell, datetime.date):
        kind, value = "date", f'office:date-value="{cell.isoformat()}"'
    else:
        kind, value = "float", f'office:value="{cell!r}"'
    return (
        f'<table:table-cell office:value-type="{kind}" {value}><text:p>{escape(str(cell))}</text:p>'
        "</table:table-cell>"
    )
