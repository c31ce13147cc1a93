"""What people say around what they ask for: "食堂从业人员多久体检一次" is asked about 食堂从业人员 and 体检.

A closed list of the language's own question and courtesy words; none of them is part of another word often enough to harm.
They are left out only when the text as typed is hardly found.
"""

from __future__ import annotations

import re

_AROUND = """
    请问 你好 您好 谢谢 我想知道 我想问 想问一下 想知道 我想 想要 帮我 麻烦
    为什么 为何 怎么办 怎么样 怎么 怎样 如何 什么时候 什么样 什么 咋办 咋
    哪些 哪个 哪种 哪里 哪儿 哪天 哪家 哪 谁来 谁 多长时间 多久 多长 多少 多大 多高 多远 几天 几年 几次 几个 几点 几倍
    是不是 是否 能不能 能否 可不可以 可否 可以 要不要 需不需要 用不用 有没有 有无 会不会 行不行 算不算 应不应该 该不该 该怎么
    应该 应当 需要 必须 吗 呢 啊 呀 吧 行不 一下 我们 你们 他们 咱们
    有关 关于 方面的 的规定 有什么 是什么
"""
_CUT = re.compile("|".join(sorted(map(re.escape, _AROUND.split()), key=len, reverse=True)))
_BARE = re.compile(r"^的|的$")


def content(text: str) -> list[str]:
    """The pieces of a folded word that say what is asked for, each of two characters or more; [] where nothing else is left."""
    pieces = (_BARE.sub("", piece) for piece in _CUT.split(text))
    return [piece for piece in pieces if len(piece) > 1]
