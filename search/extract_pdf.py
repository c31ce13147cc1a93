"""Text of PDF by PDFium (pypdfium2). Only ever run in the child: PDFium is C++ and not thread-safe."""

from __future__ import annotations

from search.extract_sink import Problem, Sink

# FPDF_GetLastError of PDFium's fpdfview.h.
_PASSWORD, _SECURITY = 4, 5


def read(data: bytes, sink: Sink) -> None:
    """Text page by page. A page that cannot be read does not hide the others."""
    import pypdfium2  # type: ignore[import-untyped,unused-ignore]

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (_PASSWORD, _SECURITY):
            raise Problem("encrypted", "PDF with a password") from error
        raise Problem("damaged", f"bad PDF: {error}"[:200]) from error
    count = len(document)
    bad = []
    for number in range(count):
        try:
            page = document[number]
            text = page.get_textpage()
            content = text.get_text_bounded()
            text.close()
            page.close()
        except (pypdfium2.PdfiumError, ValueError):
            bad.append(number + 1)
            continue
        sink.line(content)
    if bad:
        raise Problem("damaged", f"{len(bad)} of {count} pages unreadable, the first is {bad[0]}")
