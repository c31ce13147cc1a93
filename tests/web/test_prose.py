"""Long texts are shown as pages, and nothing in them can act."""

from intranet.web.prose import render


def test_a_regulation_is_set_with_its_chapters_below_the_page_title() -> None:
    page = render("# 消防管理办法\n\n## 第一章 总则\n\n第一条 预防为主。\n第二条 人人有责。")
    assert "<h3>消防管理办法</h3>" in page
    assert "<h4>第一章 总则</h4>" in page
    assert "预防为主。<br>" in page.replace("<br />", "<br>")


def test_what_a_text_brings_along_cannot_act() -> None:
    page = render(
        "<script>alert(1)</script> [点我](javascript:alert(1)) ![图](http://x/y.png) <img src=x onerror=a>"
    )
    assert "<script" not in page and "<img" not in page and 'href="javascript' not in page


def test_nothing_is_nothing() -> None:
    assert render(None) == ""
