"""Makes a PDF of a report: tagged (PDF/UA-1), with its fonts inside, and without any access to the network or other files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language

from patients.models import Patient, User
from patients.reports.paper.options import ReportOptions
from patients.reports.paper.report import CONTEXTS

FONTS = {"font:latin": "inter-latin.woff2", "font:latin-ext": "inter-latin-ext.woff2"}
"""The only addresses that the style sheet may load, and their files in static/vendor."""


class PdfUnavailable(Exception):
    """The libraries that WeasyPrint needs are not installed on this computer."""


def only_fonts(url: str, *args: object, **kwargs: object) -> Any:  # Any: WeasyPrint has no types
    """Return the file of one of our fonts. Raises ValueError for any other address: a report loads nothing."""
    from weasyprint.urls import URLFetcherResponse

    if url not in FONTS:
        raise ValueError("A report loads nothing from elsewhere.")
    return URLFetcherResponse(url, _static("vendor", FONTS[url]), {"Content-Type": "font/woff2"})


@cache
def _static(*parts: str) -> bytes:
    return Path(settings.BASE_DIR, "static", *parts).read_bytes()


def report_html(patient: Patient, options: ReportOptions, by: User) -> str:
    """Return the report as a page of HTML, in the current language."""
    context = CONTEXTS[bool(options.visit)](patient, options, by)
    # The styles of a drawing stand inside it: WeasyPrint gives it no others.
    frame = {"layout": "report/base.html", "drawing_css": _static("css", "report-drawing.css").decode()}
    return render_to_string(template_of(options), context | frame | {"language": get_language() or settings.LANGUAGE_CODE})


def template_of(options: ReportOptions) -> str:
    """Return the template that sets the report."""
    return "report/visit.html" if options.visit else "report/record.html"


def report_pdf(patient: Patient, options: ReportOptions, by: User) -> bytes:
    """Return the report as a PDF. Raises PdfUnavailable where WeasyPrint's libraries are missing."""
    try:
        # Here, not above: no other page needs it, and it takes a second and 40 MB.
        from weasyprint import CSS, HTML
        from weasyprint.text.fonts import FontConfiguration
    except OSError as error:
        raise PdfUnavailable(str(error)) from error
    fonts = FontConfiguration()
    styles = _static("css", "report-fonts.css") + _static("css", "report.css")
    sheet = CSS(string=styles.decode(), url_fetcher=only_fonts, font_config=fonts)
    html = HTML(string=report_html(patient, options, by), url_fetcher=only_fonts, base_url="report:")
    pdf: bytes = html.write_pdf(stylesheets=[sheet], font_config=fonts, pdf_variant="pdf/ua-1", pdf_tags=True)
    return pdf
