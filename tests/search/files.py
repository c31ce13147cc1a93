"""Small real files in every format the extractor reads, made with the libraries offices' programs use."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage

import docx
import openpyxl
import pptx
import pypdfium2
from PIL import Image

#: Survives in every format: common characters, a full-width one, one outside GBK (GB18030 has it), Latin.
CHINESE = "关于印发《会议纪要》的通知 〇㐂 Notice"


def pdf(text: str = CHINESE) -> bytes:
    """One page in the way Chinese PDF names an unembedded font: UniGB-UCS2-H over Adobe-GB1."""
    stream = b"BT /F 12 Tf 72 700 Td <%s> Tj ET" % text.encode("utf-16-be").hex().encode()
    return _pdf_objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 7 0 R"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]"
        b"/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    )


def _pdf_objects(*bodies: bytes) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(bodies) + 1, start))


def scan_pdf() -> bytes:
    """A page that is only a picture."""
    out = io.BytesIO()
    Image.new("L", (60, 80), 200).save(out, "PDF")
    return out.getvalue()


def picture(mode: str = "PNG") -> bytes:
    """A picture without a word on it, but not blank."""
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, mode)
    return out.getvalue()


def encrypted_pdf() -> bytes:
    """A page behind a password: the empty one does not match these check values (ISO 32000-1, 7.6.3)."""
    checks = b"/O<%s>/U<%s>" % (b"5a" * 32, b"a5" * 32)
    encryption = b"/Encrypt<</Filter/Standard/V 1/R 2/P -4%s>>/ID[<00><00>]/Root" % checks
    return pdf().replace(b"/Root", encryption)


def word(text: str = CHINESE) -> bytes:
    """Paragraph, table, header, footer."""
    document = docx.Document()
    document.add_paragraph(text)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "姓名", "张三"
    document.sections[0].header.paragraphs[0].text = "页眉文字"
    document.sections[0].footer.paragraphs[0].text = "页脚文字"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def long_word(paragraphs: int) -> bytes:
    """A body so large that its tree needs many times its size; hardly compressible enough to look like a bomb."""
    body = "".join(f"<w:p><w:r><w:t>第{n * 7919 % 1000003}号</w:t></w:r></w:p>" for n in range(paragraphs))
    return changed(word(), {"word/document.xml": _WORD_BODY % body})


_WORD_BODY = (
    '<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/'
    '2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body>%s</w:body></w:document>'
)


def word_with_box(shown: str, struck: str) -> bytes:
    """`shown` once in a text box and once, as Word does, in its fallback; `struck` in a tracked deletion."""
    run = f"<w:txbxContent><w:p><w:r><w:t>{shown}</w:t></w:r></w:p></w:txbxContent>"
    box = f"<mc:AlternateContent><mc:Choice>{run}</mc:Choice><mc:Fallback>{run}</mc:Fallback></mc:AlternateContent>"
    gone = f"<w:del><w:r><w:delText>{struck}</w:delText></w:r></w:del>"
    stops = '<w:pPr><w:tabs><w:tab w:val="left" w:pos="4200"/></w:tabs></w:pPr>'
    number = "<w:r><w:t>GB</w:t><w:noBreakHyphen/><w:t>9704</w:t></w:r>"
    body = f"<w:p>{stops}{number}<w:r>{box}</w:r>{gone}</w:p>"
    return changed(word(), {"word/document.xml": _WORD_BODY % body})


def sheet(text: str = CHINESE, rows: int = 1) -> bytes:
    """A sheet named 台账 with `rows` rows of text, number, nothing, truth."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("台账")
    for number in range(rows):
        page.append([text, number + 0.5, None, True])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def long_sheet(rows: int) -> bytes:
    """A sheet of so many rows as a ledger has them, written piece by piece: a million have 90 MB of XML."""
    out = io.BytesIO()
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with (
        zipfile.ZipFile(io.BytesIO(sheet())) as one,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as many,
    ):
        for name in one.namelist():
            if name != "xl/worksheets/sheet1.xml":
                many.writestr(name, one.read(name))
        with many.open("xl/worksheets/sheet1.xml", "w") as stream:
            stream.write(f"<worksheet {space}><sheetData>".encode())
            for start in range(1, rows + 1, 4096):
                numbers = range(start, min(start + 4096, rows + 1))
                stream.write(
                    "".join(
                        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>巡检第{n}号</t></is></c><c r="B{n}"><v>{n * 7919 % 1000003}</v></c></row>'
                        for n in numbers
                    ).encode()
                )
            stream.write(b"</sheetData></worksheet>")
    return out.getvalue()


def slides(text: str = CHINESE) -> bytes:
    """A title, a table and a speaker's note."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = text
    slide.shapes.add_table(1, 1, 0, 0, 100000, 100000).table.cell(0, 0).text = "表格单元"
    slide.notes_slide.notes_text_frame.text = "备注文字"
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


_ODF_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
    for short in ("office", "text", "table")
)


def odf(text: str = CHINESE, kind: str = "text", manifest: str = "") -> bytes:
    """A paragraph and a row of two cells; `kind` is text or spreadsheet."""
    cells = "".join(
        f"<table:table-cell><text:p>{word}</text:p></table:table-cell>" for word in ("姓名", "张三")
    )
    content = (
        f"<office:document-content {_ODF_NAMES}><office:body><office:{kind}>\n  <text:p>{text}</text:p>\n"
        "<text:tracked-changes><text:p>已删文字</text:p></text:tracked-changes>"
        f"<table:table><table:table-row>{cells}</table:table-row></table:table>"
        f"</office:{kind}></office:body></office:document-content>"
    )
    parts = {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content}
    return zipped(parts | ({"META-INF/manifest.xml": manifest} if manifest else {}))


def encrypted_odf() -> bytes:
    """What LibreOffice writes with a password: the manifest is readable, the content is not."""
    manifest = (
        '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry></m:manifest>'
    )
    return odf(manifest=manifest)


def ofd(*pages: str) -> bytes:
    """Pages of an OFD (GB/T 33190), one text object each."""
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    info = "<ofd:DocInfo><ofd:Title>标题在此</ofd:Title></ofd:DocInfo>"
    parts = {"OFD.xml": f"<ofd:OFD {space}><ofd:DocBody>{info}</ofd:DocBody></ofd:OFD>"}
    for number, text in enumerate(pages or (CHINESE,)):
        parts[f"Doc_0/Pages/Page_{number}/Content.xml"] = (
            f"<ofd:Page {space}><ofd:Content><ofd:Layer><ofd:TextObject>"
            f'<ofd:TextCode X="0" Y="5">{text}</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>'
        )
    return zipped(parts)


def page(text: str = CHINESE, charset: str = "utf-8") -> bytes:
    """An HTML page with a script and a style."""
    return (
        f'<!DOCTYPE html><html><head><meta charset="{charset}"><title>网页标题</title><style>p{{color:red}}</style>'
        f"<script>var hidden = '<p>';</script></head><body><p>{text}</p><p>A&amp;B</p></body></html>"
    ).encode("gb18030" if charset == "gb2312" else charset)


def mail(text: str = CHINESE, attachments: Mapping[str, bytes] | None = None) -> bytes:
    """A mail with a plain and an HTML body that say the same."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "邮件主题", "张三 <a@example.org>", "b@example.org"
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    for name, data in (attachments or {}).items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def zipped(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of `parts` in their order; `mimetype` stored, as OpenDocument wants it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part, zipfile.ZIP_STORED if name == "mimetype" else None)
    return out.getvalue()


def gbk_named_zip(name: str, data: bytes) -> bytes:
    """A ZIP as Chinese Windows makes it: names in GBK, the UTF-8 flag not set."""
    raw = name.encode("gbk")
    stand_in = "x" * len(raw)
    return zipped({stand_in: data}).replace(stand_in.encode(), raw)


def locked_zip() -> bytes:
    """A ZIP whose entry says it is encrypted (APPNOTE 4.4.4, bit 0)."""
    data = bytearray(zipped({"a.txt": b"x" * 50}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def changed(data: bytes, parts: Mapping[str, str | bytes]) -> bytes:
    """The ZIP `data` with some parts replaced or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        old: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    return zipped(old | dict(parts))


def ole(*streams: str) -> bytes:
    """A compound file ([MS-CFB]) with the named empty streams: header, FAT, one directory sector."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<II", header, 44, 1, 1)  # one FAT sector; the directory begins in sector 1
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)
    fat = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    directory = b""
    for name in ("Root Entry", *streams):
        raw = name.encode("utf-16-le") + b"\0\0"
        directory += raw.ljust(64, b"\0") + struct.pack("<H", len(raw)) + bytes(62)
    return bytes(header) + fat + directory.ljust(512, b"\0")


BOMB_DTD = '<!DOCTYPE d [<!ENTITY a "哈哈哈哈"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'


def entity_bomb(kind: str) -> bytes:
    """The file of `kind` (docx, xlsx, pptx, odt, ofd) whose main part declares and uses entities."""
    maker, part = {
        "docx": (word, "word/document.xml"),
        "xlsx": (sheet, "xl/worksheets/sheet1.xml"),
        "pptx": (slides, "ppt/slides/slide1.xml"),
        "odt": (odf, "content.xml"),
        "ofd": (ofd, "Doc_0/Pages/Page_0/Content.xml"),
    }[kind]
    whole = maker()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        xml = archive.read(part).decode()
    head, sep, rest = xml.partition("?>") if xml.startswith("<?xml") else ("", "", xml)
    return changed(whole, {part: head + sep + BOMB_DTD + rest.replace(CHINESE, "&c;")})


def zip_bomb() -> bytes:
    """A DOCX with 64 MiB of blanks in its body."""
    return changed(word(), {"word/document.xml": b" " * (64 << 20)})


def ole_of(name: str, stream: bytes) -> bytes:
    """A compound file ([MS-CFB]) with one stream that has a content: in small sectors below 4096 bytes, else in large ones."""
    small = len(stream) < 4096
    body = stream.ljust(-(-len(stream) // 512) * 512, b"\0")
    sectors = len(body) // 512
    none, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    # Sector 0: the FAT; 1: the directory; 2: the FAT of the small sectors; from 3 on the stream, or the small sectors.
    chain = [*range(4, 3 + sectors), end]
    fat = struct.pack("<128I", *([table, end, end, *chain] + [none] * 128)[:128])
    pieces = -(-len(stream) // 64) if small else 0
    mini = struct.pack("<128I", *([*range(1, pieces), end] + [none] * 128)[:128])
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<II", header, 44, 1, 1)
    struct.pack_into("<IIIII", header, 56, 4096, 2, 1, end, 0)
    struct.pack_into("<109I", header, 76, 0, *[none] * 108)
    root = (3, len(body)) if small else (end, 0)
    own = (0, len(stream)) if small else (3, len(stream))
    entries = b""
    for title, (start, size) in (("Root Entry", root), (name, own)):
        raw = title.encode("utf-16-le") + b"\0\0"
        entries += (
            raw.ljust(64, b"\0") + struct.pack("<H", len(raw)) + bytes(50) + struct.pack("<IQ", start, size)
        )
    return bytes(header) + fat + entries.ljust(512, b"\0") + mini + body


def old_word() -> bytes:
    """Bytes that begin like a document of Word 97 ([MS-DOC] 2.5.2) and are none."""
    return ole_of("WordDocument", struct.pack("<2H", 0xA5EC, 193).ljust(5000, b"\0"))


def joined_pdf(*documents: bytes) -> bytes:
    """The pages of several PDFs in one."""
    whole = pypdfium2.PdfDocument.new()
    for document in documents:
        whole.import_pages(pypdfium2.PdfDocument(document))
    out = io.BytesIO()
    whole.save(out)
    return out.getvalue()
