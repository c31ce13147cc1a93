"""The pages of every ledger, from its declaration. This file is the table of their addresses; the work is in
`items_read` (list, item, print), `export`, `items_write` (add, edit), `items_steps` (what is done to an item) and `items_kept` (to one
that is kept)."""

from __future__ import annotations

from flask import Blueprint

from . import export, item_log_out, items_kept, items_read, items_steps, items_write

bp = Blueprint("items", __name__)

GET, POST = ("GET",), ("POST",)
for rule, endpoint, view, methods in (
    ("/items/<kind>/", "index", items_read.index, GET),
    ("/items/<kind>/export", "export", export.export, GET),
    ("/items/<kind>/new", "new", items_write.new, GET),
    ("/items/<kind>/new", "add", items_write.add, POST),
    ("/i/<number>", "show", items_read.show, GET),
    ("/i/<number>/print", "print", items_read.on_paper, GET),
    ("/i/<number>/log/print", "log_print", item_log_out.on_paper, GET),
    ("/i/<number>/log/export", "log_export", item_log_out.as_csv, GET),
    ("/i/<number>/certificate", "certificate", items_read.certificate, GET),
    ("/i/<number>/edit", "edit", items_write.edit, GET),
    ("/i/<number>/edit", "save", items_write.save, POST),
    ("/i/<number>/move/<name>", "move", items_steps.move, GET),
    ("/i/<number>/move/<name>", "do_move", items_steps.do_move, POST),
    ("/i/<number>/level", "level", items_steps.level, GET),
    ("/i/<number>/level", "set_level", items_steps.set_level, POST),
    ("/i/<number>/review", "review", items_kept.review, POST),
    ("/i/<number>/copies", "add_copies", items_kept.add_copies, POST),
    ("/i/<number>/inside", "put_in", items_kept.put_in, POST),
    ("/i/<number>/take-out", "take_out", items_kept.take_out, POST),
    ("/i/<number>/restore/<int:version>", "restore", items_steps.restore, POST),
    ("/i/<number>/comment", "comment", items_steps.comment, POST),
    ("/i/<number>/link", "link", items_steps.link, POST),
    ("/i/<number>/grant", "grant", items_steps.grant, POST),
    ("/i/<number>/grant/<int:grant_id>/revoke", "revoke", items_steps.revoke, POST),
):
    bp.add_url_rule(rule, endpoint, view, methods=methods)
