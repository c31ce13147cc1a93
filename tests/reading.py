"""Short ways for the tests of reading: files with bodies, loans, sessions, pages."""

from __future__ import annotations

import io
from datetime import timedelta

from flask.testing import FlaskClient
from PIL import Image

from intranet.extensions import db
from intranet.models import Item, Loan, Reading
from intranet.verbs import deposits, items, loans, reading_room
from tests.office import Office
from vault.levels import Level

STREAM = "BT /F 40 Tf 60 700 Td (page {n}) Tj ET"


def pdf(pages: int = 3, *, size: tuple[int, int] = (595, 842), rotate: int = 0, filler: int = 0) -> bytes:
    """A PDF of so many pages, each with a line; `filler`: bytes of noise beside each line."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n in range(pages):
        stream = STREAM.format(n=n + 1).encode() + b"\n%" + b"x" * filler
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Rotate %d /Contents %d 0 R "
            b"/Resources << /Font << /F 3 0 R >> >> >>" % (*size, rotate, 5 + 2 * n)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def picture(form: str = "PNG", colour: tuple[int, int, int] = (250, 250, 250), **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (800, 600), colour).save(out, form, **more)
    return out.getvalue()


def kept(
    desk: Office, level: Level, *files: tuple[str, bytes], readers: tuple[str, ...] = (), title: str = ""
) -> Item:
    """A controlled file of the registrar with these bodies, known to `readers`."""
    blobs = tuple(
        desk.deposit("registrar", body, name, level) for name, body in files or (("正文.pdf", pdf()),)
    )
    item = desk.add("document", "registrar", level=level, blobs=blobs, title=title)
    for login in readers:
        with desk.w("registrar") as w:
            items.grant(w, item.id, person_id=desk.person(login).id)
    return item


def lend(
    desk: Office, item: Item, to: str, *, by: str = "registrar", days: int = 3, download: bool = False
) -> Loan:
    with desk.w(to) as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=days))
    with desk.w(by) as w:
        return loans.lend(w, loan.id, download=download)


def blob_of(item: Item, at: int = 0) -> int:
    db.session.rollback()
    return deposits.files(db.session(), item.id)[at].id


def begin(desk: Office, item: Item, login: str, *, fresh: bool = False, at: int = 0) -> Reading:
    with desk.w(login, fresh=fresh) as w:
        return reading_room.start(w, item.id, blob_of(item, at))


def see(
    desk: Office, item: Item, login: str, page: int = 1, *, fresh: bool = False, at: int = 0
) -> reading_room.Shown:
    """As far as the page may be made: demanded, recorded, committed."""
    return reading_room.page(desk.house, desk.actor(login, fresh=fresh), item.id, blob_of(item, at), page)


def sheet(client: FlaskClient, item: Item, page: int = 1, at: int = 0) -> Image.Image:
    """A page as the browser gets it."""
    answer = client.get(f"/i/{item.number}/read/{blob_of(item, at)}/{page}.jpg")
    assert answer.status_code == 200, answer.text[:500]
    assert answer.headers["Content-Type"] == "image/jpeg"
    return Image.open(io.BytesIO(answer.data))
