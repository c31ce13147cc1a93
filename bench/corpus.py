"""Chinese office documents of any number for the search benchmarks, always the same ones, made without outside files.

Words come from the phrase dictionary of pypinyin, those of the office first. A topic is some hundred words and the
phrases made of them; a document draws phrases from one to three topics and from what all offices write, by Zipf's
law, so that words come together and come again as they do in real texts. Beside 350 Chinese laws and regulations cut into
pieces of such lengths, a million characters each:

                                                regulations   made here
    different pairs of neighbours                    69,000      76,000
    pairs to a character                               0.81        0.81
    share of the 100 commonest pairs                 20.9 %      22.7 %
    of the 1,000, of the 10,000            51.6 %    83.2 %      51.6 %    80.9 %
    different of all pairs in a text                   0.55        0.53
    texts with the pair of rank 1                      76 %        86 %
    of rank 10, 100, 1,000         54 %   24 %        4.2 %      72 %   34 %    4.1 %
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
import numpy.typing as npt

from bench.office import DOES, PAPER, WHAT, WHERE
from search.engine import Access, Entry

FORMAT = 2  # raise it when other documents are made: indexes and tables of before are then made anew
MEAN = 783  # characters of a text
BATCH = 500
#: Sees 44 of 100 documents: three quarters by their level, of those not quite six of ten by their labels.
READER = Access(1, frozenset({"p7", "u3", "u12", "staff", "repo2", "handler@3", "handler@12"}))
NOW = (1_609_722_000 + 5 * 365 * 86_400) * 1_000_000  # microseconds; when the last of them was changed
FACETS = ("kind", "class", "management", "subclass", "level", "unit", "year", "state")

#: Words of every office text, the commonest first.
_PLAIN = (
    "应当 或者 部门 规定 单位 管理 工作 有关 人员 进行 可以 按照 安全 责任 负责 组织 情况 服务 不得 使用 检查 要求 及时 其他 "
    "制度 设备 项目 办公室 记录 处理 经营 设施 建设 监督 实施 以上 机构 措施 需要 相关 本单位 活动 内容 保障 计划 申请 审批 "
    "标准 制定 根据 完成 审核 执行 统一 加强 提出 时间 必须 报告 负责人 主管 材料 保护 信息 资料 公开 登记 通知 问题 技术 合同 "
    "费用 环境 培训 职责 协调 依法 范围 经费 条件 开展 落实 期限 提供 后勤 由于 会议 程序 方案 配合 意见 发现 造成 损失 同意 "
    "工作日 批准 专人 每年 每月 签字 备案 存档 归档 移交 考核 评估 汇总 上报 领导 职工 宿舍 食堂 维修 值班 公务 车辆 采购 资产 "
    "物资 仓库 盘点 报废 保密 文件 传递 借阅 归还 密级 涉密 投诉 受理 办结 答复 回访 整改 隐患 应急 预案 演练 消防 用电 节约 "
    "能源 卫生 绿化 保洁 安保 门禁 访客 停车 收费 预算 决算 报销 发票 结算 支付 供应商 招标 评审 验收 质量 期间 方面 以及 "
    "为了 作为 对于 通过 其中 本办法 第一 第二 第三 第四 第五 第十 第二十 第三十 一般 重大 主要 具体 日常 定期 专项 年度 季度 "
    "月底 下列 以下 之日 起 之前 之后 不少于 不超过 原则 分级 分类 共同 首先 特殊 紧急 正常 合理 有效 严格 逐步 全面 进一步"
)
PLAIN = _PLAIN.split()
JOINTS = ("", "，", "的", "。\n", "、", "和", "。", "在", "对", "由", "；", "与", "为", "及", "将", "并", "，不得", "：", "（", "）", "是", "了", "“", "”")  # fmt: skip
_JOINT_WEIGHTS = (400, 170, 60, 46, 100, 22, 36, 12, 10, 10, 20, 7, 8, 6, 6, 5, 4, 8, 5, 5, 4, 3, 3, 3)
#: A phrase: a, b, c words of the topic, g a word of every office.
_FORMS = ("{a}", "{a}{b}", "{a}的{b}", "{g}{a}", "{a}{g}", "{a}{b}{g}", "{g}{a}{b}", "{a}和{b}", "{a}{b}{c}", "{g}{g}{a}", "{a}{g}的{b}")  # fmt: skip
_FORM_WEIGHTS = (16, 18, 8, 12, 14, 8, 7, 4, 4, 5, 4)
_PLAIN_FORMS = ("{g}", "{g}{h}", "{g}的{h}", "{g}{h}{i}", "{g}和{h}", "{g}、{h}")
_PLAIN_FORM_WEIGHTS = (20, 34, 7, 24, 3, 6)

TOPICS, TOPIC_WORDS, TOPIC_PHRASES, PLAIN_PHRASES, FIGURES = 200, 100, 350, 2500, 30_000
_PLAIN_SHARE, _FIGURE_SHARE = 0.45, 0.012
_OWN, _OWN_POWER, _AGAIN = 2.4, 0.9, 1.3
_SPREAD = 0.85  # of the logarithm of lengths
_SLOTS = 1 << 16

KINDS = (("resource", "ZY", 66), ("notice", "TZ", 12), ("workorder", "WX", 14), ("document", "WJ", 6), ("complaint", "TS", 2))  # fmt: skip
STATES = {
    "resource": ("current", "withdrawn"), "notice": ("published", "expired", "draft"),
    "workorder": ("closed", "working", "open"), "document": ("held", "lent", "destroyed"),
    "complaint": ("closed", "investigating"),
}  # fmt: skip
FRESH = {"notice": 90, "workorder": 60, "complaint": 60}
UNITS = (
    "后勤管理处", "房产科", "动力科", "维修科", "膳食科", "车队", "绿化科", "物业科", "采购科", "仓储科", "财务处", "审计处",
    "人事处", "办公室", "档案室", "保卫处", "消防科", "信息中心", "图书馆", "校医院", "基建处", "设备处", "教务处", "科研处",
    "学生处", "宣传部", "工会", "纪检室", "国际处", "招标办",
)  # fmt: skip
_SURNAMES, _GIVEN = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗",
    "伟芳娜敏静强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰文建国志",
)
START, YEARS = 1_609_722_000, 5  # seconds; 2021-01-04

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Document:
    """An entry, and the words its text and title were made of, as often as they stand there."""

    entry: Entry
    words: list[str]
    title_words: list[str]


class _Lexicon:
    """Phrases of all topics, one after another, and tables that turn chances into ranks."""

    def __init__(self) -> None:
        chance = random.Random(20260101)
        words = _words(chance)
        self.phrases: list[str] = []
        self.words: list[tuple[str, ...]] = []
        ranks = _zipf(len(words), 1.25, 80)
        for _ in range(TOPICS):
            own = [words[ranks[chance.randrange(_SLOTS)]] for _ in range(TOPIC_WORDS)]
            self._add(chance, TOPIC_PHRASES, _FORMS, _FORM_WEIGHTS, list(dict.fromkeys(own)))
        self.plain = len(self.phrases)
        self._add(chance, PLAIN_PHRASES, _PLAIN_FORMS, _PLAIN_FORM_WEIGHTS, PLAIN)
        self.figures = len(self.phrases)
        self.phrases += _figures(chance)
        self.words += [()] * FIGURES
        self.joints = len(self.phrases)
        self.phrases += JOINTS
        self.topic_ranks = _zipf(TOPIC_PHRASES, 0.95, 4)
        self.plain_ranks = _zipf(PLAIN_PHRASES, 0.95, 25)
        self.figure_ranks = _zipf(FIGURES, 0.85, 10)
        self.topics = _zipf(TOPICS, 0.75, 10)
        self.joint_ranks = np.repeat(
            np.arange(len(JOINTS)), np.diff(np.round(np.cumsum((0, *_JOINT_WEIGHTS)) * _SLOTS / sum(_JOINT_WEIGHTS)).astype(int))
        )  # fmt: skip
        self.length = float(np.mean([len(p) for p in self.phrases[: self.plain]]))

    def _add(
        self, chance: random.Random, count: int, forms: Sequence[str], weights: Sequence[int], own: list[str]
    ) -> None:
        near, plain = _zipf(len(own), 0.8, 3), _zipf(len(PLAIN), 0.6, 6)
        for form in chance.choices(forms, weights, k=count):
            named = {n: own[near[chance.randrange(_SLOTS)]] for n in "abchi" if f"{{{n}}}" in form}
            if "{g}" in form:
                named["g"] = PLAIN[plain[chance.randrange(_SLOTS)]]
            self.phrases.append(form.format(**named))
            self.words.append(tuple(word for n, word in named.items() if n != "g"))


_lexicon = cache(_Lexicon)


def documents(count: int, first: int = 1) -> Iterator[Document]:
    """Documents number `first`, `first` + 1, …; a number is the same document in every corpus."""
    skipped = (first - 1) % BATCH
    batches = range((first - 1) // BATCH, (first + count - 2) // BATCH + 1)
    return islice((d for batch in batches for d in _batch(batch)), skipped, skipped + count)


def entries(count: int, first: int = 1) -> Iterator[Entry]:
    """What is indexed of them."""
    return (document.entry for document in documents(count, first))


def _batch(number: int) -> Iterator[Document]:
    lex, draw, chance = _lexicon(), np.random.default_rng((FORMAT, number)), random.Random(number)
    mean = MEAN / (lex.length * 0.945 + 0.68)
    sizes = np.exp(draw.normal(math.log(mean) - _SPREAD**2 / 2, _SPREAD, BATCH))
    sizes = np.clip(sizes, 12, 6000).astype(np.int64)
    topics = lex.topics[draw.integers(0, _SLOTS, (BATCH, 3))]
    lean = draw.random((BATCH, 1)) < [
        [0.6, 0.35, 0.0]
    ]  # the second and the third topic of a document are often the first
    topics = np.where(lean, topics[:, :1], topics)
    ids = _drawn(lex, draw, sizes, topics)
    ends = (2 * np.cumsum(sizes)).tolist()
    phrases, words, start = lex.phrases, lex.words, 0
    for at, end in enumerate(ends):
        mine = ids[start:end].tolist()
        start = end
        text = "".join(map(phrases.__getitem__, mine))
        used = [word for i in mine[::2] for word in words[i]]
        yield _document(chance, number * BATCH + at + 1, text, used, [int(t) for t in topics[at]])


def _drawn(lex: _Lexicon, draw: np.random.Generator, sizes: Ints, topics: Ints) -> Ints:
    """Phrase, joint, phrase, joint, … of a batch."""
    own = (_OWN * sizes**_OWN_POWER).astype(
        np.int64
    ) + 3  # phrases that a document uses, some of them again and again
    total, pooled, everywhere = int(sizes.sum()), int(own.sum()), np.arange(len(sizes))
    slots = draw.integers(0, _SLOTS, pooled)
    which = draw.choice(3, pooled, p=(0.68, 0.24, 0.08))
    topic = topics[np.repeat(everywhere, own), which]
    pool = topic * TOPIC_PHRASES + lex.topic_ranks[slots]
    source = draw.random(pooled)
    plain = source < _PLAIN_SHARE
    pool[plain] = lex.plain + lex.plain_ranks[slots[plain]]
    figures = source > 1 - _FIGURE_SHARE
    pool[figures] = lex.figures + lex.figure_ranks[slots[figures]]
    begins = np.repeat(np.cumsum(own) - own, sizes)
    ids = np.empty(2 * total, np.int64)
    ids[::2] = pool[begins + (np.repeat(own, sizes) * draw.random(total) ** _AGAIN).astype(np.int64)]
    ids[1::2] = lex.joints + lex.joint_ranks[draw.integers(0, _SLOTS, total)]
    return ids


def _document(chance: random.Random, number: int, text: str, used: list[str], topics: list[int]) -> Document:
    kind, letters, _share = chance.choices(KINDS, [k[2] for k in KINDS])[0]
    updated = START + chance.randrange(YEARS * 365 * 86_400)
    year = 2021 + (updated - START) // (365 * 86_400)
    unit, states = 1 + min(int(chance.expovariate(0.09)), 29), STATES[kind]
    own = [*dict.fromkeys(used), *WHAT[:2]][:8]
    title, title_words = _title(chance, own)
    labels = {f"p{chance.randrange(400)}", f"handler@{unit}", "handler@*"}
    share = chance.random()
    labels.add("staff" if share < 0.50 else f"repo{chance.randrange(1, 6)}" if share < 0.7 else f"u{unit}")
    level = chance.choices((0, 1, 2, 3, 4), (27, 48, 17, 6, 2))[0]
    facets = {
        "kind": (kind,), "level": (str(level),), "unit": (f"U{unit:02}",), "year": (str(year),),
        "state": (states[min(int(chance.expovariate(2.0)), len(states) - 1)],), "class": (f"B{topics[0] % 12:02}",),
        "management": (f"M{topics[1] % 6}",), "subclass": (f"S{topics[0] % 45:02}",),
    }  # fmt: skip
    person = chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=2))
    entry = Entry(
        id=number, kind=kind, number=f"{letters}-{year}-{number:05}", title=title, text=text, level=level,
        labels=frozenset(labels), facets=facets, updated=updated * 1_000_000 + number % 1000,
        names=(UNITS[unit - 1], person), fresh=FRESH.get(kind, 0),
    )  # fmt: skip
    return Document(entry, used, title_words)


def _title(chance: random.Random, own: list[str]) -> tuple[str, list[str]]:
    """8 to 25 characters."""
    a, b = chance.sample(own, 2)
    where, what, does, paper = (chance.choice(words) for words in (WHERE, WHAT, DOES, PAPER))
    title = chance.choice(
        (f"{a}{b}{paper}", f"关于{a}{b}的通知", f"{where}{a}{does}{paper}", f"关于开展{a}{does}工作的{paper}",
         f"{where}{what}{b}{paper}", f"关于印发《{where}{a}{b}{paper}》的通知", f"{2021 + len(own) % 5}年{a}与{b}{does}{paper}", f"{a}{what}{does}情况说明")
    )  # fmt: skip
    return (title if len(title) >= 8 else f"关于{title}的说明")[:25], [w for w in (a, b) if w in title]


def _words(chance: random.Random) -> list[str]:
    """Words, the commonest first: of the office, then those of characters that many words share."""
    from pypinyin.phrases_dict import phrases_dict

    known = sorted(word for word in phrases_dict if 2 <= len(word) <= 4 and _common(word))
    used: dict[str, int] = {}
    for word in known:
        if len(word) < 4:
            for char in word:
                used[char] = used.get(char, 0) + 1

    def rank(word: str) -> float:
        shared = sum(math.log(used.get(char, 1)) for char in word) / len(word)
        return -shared + chance.gauss(0, 1.0) + (0, 0, 0, 0.6, 2.4)[len(word)]

    rest = sorted(known, key=rank)
    return list(dict.fromkeys([*WHAT, *DOES, *WHERE, *PAPER, *rest]))


def _common(word: str) -> bool:
    """Only characters of the first level of GB 2312, those in daily use."""
    try:
        raw = word.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return len(raw) == 2 * len(word) and all(0xB0 <= high <= 0xD7 for high in raw[::2])


def _figures(chance: random.Random) -> list[str]:
    """Numbers, dates, models and Latin words, the commonest first."""
    first = [
        "2024年",
        "2023年",
        "2025年",
        "2022年",
        "PDF",
        "Excel",
        "LED",
        "ISO 9001",
        "10%",
        "220V",
        "24小时",
        "GB/T 19001",
    ]

    def one(at: int) -> str:
        n = min(at, 40 + int(chance.expovariate(1 / 900)))
        return chance.choice((
            f"{n}", f"{n}元", f"{n / 10:g}%", f"第{n}号", f"{2021 + n % 5}年{1 + n % 12}月{1 + n % 28}日", f"{n * 7}㎡",
            f"8{at % 10000:04}", f"MX-{n}", f"{chance.choice('ABCDKL')}{n}", f"DN{n}", f"GB {n * 13}-{2000 + n % 25}", f"{n}℃",
            f"{n},{chance.randrange(1000):03}元", f"{chance.choice('BCDFGHKLMNPSTWX')}{chance.choice('aeiou')}{chance.choice('lnrstvx')}{n}",
        ))  # fmt: skip

    return first + [one(at) for at in range(FIGURES - len(first))]


def _zipf(size: int, power: float, offset: float) -> Ints:
    """Rank for each of `_SLOTS` equal chances."""
    ends = np.cumsum(1.0 / (np.arange(size) + 1 + offset) ** power)
    return np.searchsorted(ends / ends[-1], (np.arange(_SLOTS) + 0.5) / _SLOTS).astype(np.int64)
