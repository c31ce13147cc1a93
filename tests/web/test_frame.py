"""The frame that no page can forget: headers, navigation, level band, watermark, errors that say what to do."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from babel.messages.mofile import write_mo
from babel.support import Translations
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from intranet.translations import check
from intranet.web import language, nav, page, present, signin, times
from tests.office import Clock, Office
from vault.levels import Level

As = Callable[..., FlaskClient]
PAGES = ("/", "/account", "/password", "/factor", "/no-such-page")


@pytest.mark.parametrize("login", ["", "lead", "admin", "custodian"])
def test_no_page_has_inline_style_script_or_handler(as_: As, login: str) -> None:
    client = as_(login)
    for address in (*PAGES, "/login"):
        answer = client.get(address, follow_redirects=True)
        assert not re.search(r"<[^>]+\sstyle=", answer.text), address
        assert not re.search(r"<[^>]+\son[a-z]+=", answer.text), address
        assert not re.search(r"<script(?![^>]*\ssrc=)", answer.text), address
        assert "<style" not in answer.text, address


def test_every_answer_carries_the_strict_policy(as_: As) -> None:
    for answer in (as_("lead").get("/"), as_().get("/login"), as_().get("/nothing")):
        policy = answer.headers["Content-Security-Policy"]
        assert "'unsafe-inline'" not in policy and "'unsafe-eval'" not in policy
        assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_frame_has_its_landmarks_and_the_bar_at_the_thumb(as_: As) -> None:
    text = as_("lead").get("/").text
    assert '<a class="skip" href="#main">' in text and '<main id="main"' in text
    thumb = re.search(r'<nav class="thumb".*?</nav>', text, re.DOTALL)
    assert thumb is not None
    for word, address in (("工作台", "/"), ("检索", "/search"), ("新建", "#new"), ("更多", "#nav")):
        assert word in thumb[0] and f'href="{address}"' in thumb[0]
    assert text.count("<h1") == 1


@pytest.mark.parametrize(
    ("login", "shown", "hidden"),
    [
        (
            "lead",
            {"/items/resource/", "/items/document/", "/people/"},
            {"/ops/", "/audit/", "/items/complaint/"},
        ),
        ("admin", {"/people/", "/ops/", "/office/"}, {"/items/resource/", "/audit/", "/desk/"}),
        ("auditor", {"/audit/"}, {"/ops/", "/office/"}),
        ("handler", {"/items/complaint/"}, {"/ops/"}),
        ("backup", {"/ops/"}, {"/items/resource/", "/people/", "/audit/"}),
    ],
)
def test_the_navigation_offers_only_what_one_may_use(
    app: Flask, desk: Office, login: str, shown: set[str], hidden: set[str]
) -> None:
    with app.test_request_context("/"):
        offered = {e.url for group in nav.nav(desk.actor(login)) for e in group.entries}
    assert shown <= offered
    assert not hidden & offered


def test_what_the_navigation_offers_opens(as_: As, app: Flask, desk: Office) -> None:
    for login in ("lead", "admin", "auditor", "security", "backup", "handler", "custodian", "plumber"):
        with app.test_request_context("/"):
            entries = [e for g in nav.nav(desk.actor(login)) for e in g.entries]
            entries += nav.creatable(desk.actor(login))
        client = as_(login)
        for entry in entries:
            assert client.get(entry.url).status_code == 200, (login, entry.url)


# -- levels ------------------------------------------------------------------------------------------------------
def drawn(app: Flask, body: str, **context: object) -> str:
    with app.app_context(), app.test_request_context("/"):
        return render_template_string(
            '{% extends "layout.html" %}{% import "macros/ui.html" as ui with context %}'
            "{% block title %}T{% endblock %}{% block content %}" + body + "{% endblock %}",
            **context,
        )


def test_a_page_wears_the_highest_level_it_shows(app: Flask) -> None:
    text = drawn(app, "{{ ui.level(1) }}{{ ui.level(3) }}{{ ui.level(2) }}")
    assert "band-secret" in text and 'class="watermark"' in text
    assert drawn(app, "{{ ui.level(1) }}").count("band-internal") == 1
    assert 'class="watermark"' not in drawn(app, "{{ ui.level(1) }}")


def test_a_level_that_is_only_a_word_to_choose_marks_nothing(app: Flask) -> None:
    assert 'class="band' not in drawn(app, "{{ ui.level(4, mark=False) }}")


def test_a_declared_level_counts_too(app: Flask) -> None:
    assert "band-topsecret" in drawn(app, "x", page_level=4)


def test_the_watermark_names_reader_and_time(as_: As, desk: Office) -> None:
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    text = as_("custodian").get(f"/i/{item.number}").text
    mark = re.search(r'<svg class="watermark".*?</svg>', text, re.DOTALL)
    assert mark is not None
    assert "陆静文" in mark[0] and "custodian" in mark[0] and "11月23日 09:00" in mark[0]


# -- errors ------------------------------------------------------------------------------------------------------
def test_a_refusal_names_the_rule_and_whom_to_ask(as_: As) -> None:
    answer = as_("lead").get("/audit/")
    assert answer.status_code == 403
    assert "只对有相应职责的人员开放" in answer.text and "请联系" in answer.text


def test_what_may_not_be_known_looks_like_what_is_not(as_: As, desk: Office) -> None:
    hidden = desk.add("document", "registrar", level=Level.TOPSECRET)
    client = as_("plumber")
    token = re.compile(r'content="[^"]{40,}"|"X-CSRFToken": "[^"]+"|value="[^"]{40,}"')
    pages = []
    for number in (hidden.number, "ZZ-J-2026-9999"):
        answer = client.get(f"/i/{number}")
        assert answer.status_code == 404
        pages.append(token.sub("", answer.text).replace(number, "N"))
    assert pages[0] == pages[1]


def test_an_error_for_a_region_is_only_its_words(as_: As) -> None:
    answer = as_("lead").get("/audit/", headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert "<html" not in answer.text and "您不能这样做" in answer.text
    assert answer.headers["HX-Retarget"] == "#problem"


def test_a_region_asked_after_the_session_ended_says_sign_in(client: FlaskClient) -> None:
    answer = client.get("/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "登录" in answer.text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 423, 429, 500, 503, 418])
def test_every_error_says_what_to_do_next(app: Flask, status: int) -> None:
    with app.test_request_context("/"):
        answer = page.problem(status)
    assert answer.status_code == status
    assert re.search(r'<ul class="failure-next">\s*<li>.{4,}</li>', answer.get_data(as_text=True))


def test_a_dead_database_still_gets_a_page(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead() -> None:
        raise OperationalError("select 1", {}, Exception("no such disk"))

    monkeypatch.setattr(signin, "actor", dead)
    with app.test_request_context("/"):
        answer = page.problem(503)
    text = answer.get_data(as_text=True)
    assert "暂时不可用" in text and 'class="plain' in text


def test_a_failure_under_way_gets_a_page_that_asks_the_database_nothing(
    app: Flask, desk: Office, statements: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = desk.actor("lead")
    monkeypatch.setattr(signin, "actor", lambda: lead)
    with app.test_request_context("/"), statements() as seen:
        text = page.problem(500).get_data(as_text=True)
    assert seen == [] and "系统出了差错" in text and 'href="/"' in text


@pytest.mark.parametrize(
    ("referrer", "back"),
    [
        ("http://localhost/items/notice/?q=1", "/items/notice/?q=1"),
        ("http://evil.example/x", ""),
        ("http://localhost//evil.example", ""),
        ("http://localhost/here", ""),
        ("", ""),
    ],
)
def test_the_way_back_stays_on_the_site(app: Flask, referrer: str, back: str) -> None:
    with app.test_request_context("/here", headers={"Referer": referrer}):
        assert present.came_from() == back


# -- times, values, fields -----------------------------------------------------------------------------------------
def test_times_are_read_absolute_and_relative(app: Flask, clock: Clock) -> None:
    with app.test_request_context("/"):
        assert "11月23日 06:00" in times.moment(clock() - timedelta(hours=3))
        assert "3 小时前" in times.moment(clock() - timedelta(hours=3))
        assert "还剩 2 小时" in times.left(clock() + timedelta(hours=2, minutes=5))
        assert "left-soon" in times.left(clock() + timedelta(hours=2))
        assert "逾期 5 天" in times.left(clock() - timedelta(days=5, hours=1))
        assert times.day("2024-02-29") == "2024年2月29日"
        assert times.moment(None) == '<span class="none">—</span>'


@pytest.fixture
def translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The English catalogue as it stands in the repository, whether it was compiled or not."""
    compiled = io.BytesIO()
    write_mo(compiled, check.load(check.ROOT / check.ENGLISH))
    compiled.seek(0)
    monkeypatch.setitem(language.TEXTS.cache, ("en", "messages"), Translations(compiled))


@pytest.mark.usefixtures("translated")
def test_two_languages_in_one_process_do_not_mix(app: Flask, desk: Office, clock: Clock) -> None:
    item = desk.add("resource", "lead")
    earlier = clock() - timedelta(hours=3)
    seen: dict[str, list[str]] = {"zh": [], "en": []}
    for cookie in ("zh", "en", "zh", "en"):
        with app.app_context(), app.test_request_context("/", headers={"Cookie": f"language={cookie}"}):
            seen[cookie].append(
                render_template_string(
                    '{% import "macros/ui.html" as ui with context %}{{ ui.level(1) }} {{ ui.state(i.kind, i.state) }} '
                    '{{ ui.moment(at) }} {{ time_words() }} {{ level_of(0).label }} {{ _("选择 %(number)s", number="<b>") }}',
                    i=item,
                    at=earlier,
                )
            )
    chinese, english = seen["zh"], seen["en"]
    assert chinese[0] == chinese[1] and english[0] == english[1]
    assert not re.search(r"[\u4e00-\u9fff]", english[0])
    for text, words in (
        (chinese[0], ("内部", "3 小时前", "{n} 天前", "公开")),
        (english[0], ("Internal", "3 h ago", "Public")),
    ):
        assert all(word in text for word in words), text
        assert "&lt;b&gt;" in text and "<b>" not in text


def test_a_day_is_due_at_its_end(app: Flask) -> None:
    with app.test_request_context("/"):
        assert "还剩 15 小时" in times.left("2026-11-23")
        assert "逾期 9 小时" in times.left("2026-11-22")


def test_sizes_are_for_people() -> None:
    shown = [present.size(n) for n in (0, 999, 3_565_158, 2 << 30)]
    assert shown == ["0 B", "999 B", "3.4 MB", "2.0 GB"]


def test_every_declared_field_has_a_label_help_and_its_error(app: Flask, desk: Office) -> None:
    for kind in desk.house.kinds.values():
        for field in kind.fields:
            text = drawn(app, "{{ ui.field(f, none, '这里不对', level=1) }}", f=field)
            assert str(field.title) in text
            assert "这里不对" in text and 'aria-invalid="true"' in text
            assert f'name="{field.name}"' in text or not present.choices_of(field)


def test_what_was_typed_stands_in_the_form_again(app: Flask, desk: Office) -> None:
    money = desk.house.kinds["workorder"].field("cost")
    assert 'value="abc"' in drawn(app, "{{ ui.field(f, 'abc', 'x') }}", f=money)
    assert 'value="128.50"' in drawn(app, "{{ ui.field(f, 12850) }}", f=money)


def test_names_of_many_people_cost_one_statement(app: Flask, desk: Office, statements: Callable) -> None:
    ids = [desk.person(login).id for login in ("lead", "custodian", "plumber", "handler")]
    with app.test_request_context("/"), statements() as seen:
        found = present.names()
        found.load(persons=[*ids, None, 999_999])
        shown = [found.person(i) for i in (*ids, None, 999_999)]
    assert shown == ["何静姝", "陆静文", "石大川", "崔正平", "—", "—"]
    assert len(seen) == 1


def test_static_files_are_named_by_their_content(app: Flask) -> None:
    with app.test_request_context("/"):
        assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{10}", present.asset("app.css"))
        assert present.asset("no-such.css") == "/static/no-such.css"


def test_every_icon_that_templates_name_is_in_the_sprite(app: Flask, desk: Office) -> None:
    sprite = set(
        re.findall(r'id="i-([a-z0-9-]+)"', present.Path(app.static_folder or "", "icons.svg").read_text())
    )
    named = {k.icon for k in desk.house.kinds.values()}
    for template in present.Path(app.jinja_loader.searchpath[0]).rglob("*.html"):  # type: ignore[union-attr]
        named |= set(re.findall(r'icon\("([a-z0-9-]+)"', template.read_text()))
    assert named - sprite == set()
