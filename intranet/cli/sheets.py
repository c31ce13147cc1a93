"""A key share as a page of paper: one HTML file a sheet that needs nothing else, A4, in Chinese and English.

What is printed must be of use when this product is gone: the words, the public key they belong to, and a
program short enough to be typed from the sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import segno
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from vault.age import Recipient
from vault.shares import WORDS

RECOVER = """\
from shamir_mnemonic import combine_mnemonics
prefix, letters = "age-secret-key-", "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
lines = [line.strip().lower() for line in open("sheets.txt") if line.strip()]
secret = int.from_bytes(combine_mnemonics(lines), "big") << 4
data = [secret >> 5 * i & 31 for i in range(51, -1, -1)]
check = 1
for v in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + data + [0] * 6:
    top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ v
    for i, g in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
        check ^= g * (top >> i & 1)
data += [(check ^ 1) >> 5 * i & 31 for i in range(5, -1, -1)]
print((prefix + "1" + "".join(letters[v] for v in data)).upper())
"""
"""The 32 bytes of the joined sheets in Bech32 (BIP 173) as `age` writes an identity; for hybrid keys another prefix."""

_WHOLE = 80
"""A longer public key, a hybrid one has 1959 characters, is shown by its two ends."""


@dataclass(frozen=True)
class Sheet:
    """One of `sheets` sheets, `threshold` of which join to the identity of `recipient`."""

    office: str
    office_en: str
    label: str
    """Whose key it is, in Chinese: 机密."""
    holder: str
    """And as commands name it: ``secret``."""
    number: int
    sheets: int
    threshold: int
    recipient: Recipient
    key_id: str
    generation: int | None
    made: datetime
    words: str

    @property
    def file(self) -> str:
        return f"{self.holder}-{self.number:02}-of-{self.sheets:02}.html"

    @property
    def hybrid(self) -> bool:
        return str(self.recipient).startswith("age1pq1")

    @property
    def public_key(self) -> str:
        """The public key, or its two ends."""
        text = str(self.recipient)
        return text if len(text) <= _WHOLE else f"{text[:32]} … {text[-32:]}"


def page(sheet: Sheet) -> str:
    """The HTML of the sheet. ValueError when it does not hold as many words as a share has."""
    words = sheet.words.split()
    if len(words) != WORDS:
        raise ValueError(f"a sheet has {WORDS} words")
    return _PAGE.render(s=sheet, words=words, code=_code(words), program=RECOVER)


def _code(words: list[str]) -> Markup:
    """In capitals, which a QR code keeps in 5.5 bits a letter: bigger squares, easier to read from old paper."""
    drawn = segno.make(" ".join(words).upper(), error="q", micro=False)
    return Markup(drawn.svg_inline(border=4, omitsize=True))  # noqa: S704  drawn by segno from modules, holds no text


_PAGE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string("""\
<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ s.holder }} {{ s.number }}/{{ s.sheets }}</title>
<style>
@page { size: A4; margin: 13mm 15mm }
* { box-sizing: border-box; margin: 0; padding: 0 }
body { font: 9.5pt/1.45 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif; color: #000; background: #fff; max-width: 180mm; margin: 0 auto }
header { display: flex; justify-content: space-between; align-items: flex-end; border-bottom: 1.2pt solid #000; padding-bottom: 2.5mm }
h1 { font-size: 18pt; line-height: 1.2 }
h1 small, .of small { display: block; font-size: 9pt; font-weight: 400 }
.of { font-size: 18pt; font-weight: 700; line-height: 1.2; text-align: right }
dl { display: grid; grid-template-columns: 33mm 1fr 27mm 1fr; gap: 1mm 3mm; margin: 3.5mm 0; align-items: baseline }
dt { font-size: 8.5pt }
dd { font-weight: 600 }
dd.wide { grid-column: 2 / -1; font: 8.3pt/1.4 "DejaVu Sans Mono", Consolas, Menlo, monospace; overflow-wrap: anywhere }
.share { display: flex; gap: 5mm; align-items: center; border: .8pt solid #000; padding: 3mm 4mm }
ol { flex: 1; display: grid; grid-auto-flow: column; grid-template: repeat(11, 1fr) / repeat(3, 1fr); gap: .8mm 3mm; list-style: none }
li { font: 600 11pt/1.35 "DejaVu Sans Mono", Consolas, Menlo, monospace; white-space: nowrap }
li b { display: inline-block; width: 6mm; font-size: 7.5pt; font-weight: 400; text-align: right; padding-right: 1.6mm }
.share svg { width: 62mm; height: 62mm; flex: none }
.keep { margin: 3mm 0; font-weight: 600 }
.keep span, .how span { display: block; font-weight: 400 }
.hands { display: grid; grid-template-columns: 1fr 1fr 1fr 1fr; border: .8pt solid #000; margin-bottom: 3.5mm }
.hands div { height: 25mm; padding: 1.2mm 2mm; font-size: 8pt }
.hands div + div { border-left: .8pt solid #000 }
h2 { font-size: 10pt; margin-bottom: 1mm }
.how { font-size: 8.6pt; line-height: 1.45 }
.how p { margin-bottom: 1mm }
code, pre { font-family: "DejaVu Sans Mono", Consolas, Menlo, monospace; font-size: 7.8pt }
pre { border: .5pt solid #000; padding: 1.5mm 2.5mm; margin: 1.2mm 0; line-height: 1.38; white-space: pre-wrap }
@media screen { body { padding: 10mm 0 } }
</style>
</head>
<body>
<header>
<h1>密钥分片 · {{ s.label }}<small>{{ s.office }} · Key share · {{ s.holder }} · {{ s.office_en }}</small></h1>
<p class="of">第 {{ s.number }} 片，共 {{ s.sheets }} 片<small>sheet {{ s.number }} of {{ s.sheets }}</small></p>
</header>
<dl>
<dt>合成所需 Needed</dt><dd>任意 {{ s.threshold }} 片 / any {{ s.threshold }} sheets</dd>
<dt>制作时间 Made</dt><dd>{{ s.made.strftime("%Y-%m-%d %H:%M %z") }}</dd>
<dt>密钥编号 Key ID</dt><dd>{{ s.key_id }}</dd>
<dt>代次 Generation</dt><dd>{{ s.generation or "—" }} · {{ "hybrid" if s.hybrid else "X25519" }}</dd>
<dt>公钥 Public key</dt><dd class="wide">{{ s.public_key }}</dd>
</dl>
<section class="share">
<ol>
{% for word in words %}
<li><b>{{ loop.index }}</b>{{ word }}</li>
{% endfor %}
</ol>
{{ code }}
</section>
<p class="keep">单独一片打不开任何文件。请与其他各片分开、密封存放；不得复印、拍照，不得输入联网的计算机。
<span>One sheet alone opens nothing. Keep it sealed and apart from the others; no copies, no photographs, never into a machine on a network.</span></p>
<section class="hands">
<div>保管人 Holder</div><div>签字 Signature</div><div>日期 Date</div><div>盖章 Seal</div>
</section>
<section class="how">
<h2>不用本系统恢复密钥 Recovery without this product</h2>
<p>在离线计算机上安装 Python 与 <code>shamir-mnemonic</code> 0.3.0（SLIP-39 标准），将恰好 {{ s.threshold }} 片的词各成一行写入 <code>sheets.txt</code>（扫二维码亦可，大小写不论），运行下列程序。所印一行即 age 私钥；存为 <code>key.txt</code> 后，<code>age-keygen -y key.txt</code> 须印出上列公钥，<code>age -d -i key.txt 文件</code> 即可解密。
<span>On a machine without network: Python with <code>shamir-mnemonic</code> 0.3.0 (SLIP-39). Write the words of exactly {{ s.threshold }} sheets to <code>sheets.txt</code>, one sheet a line (or scan the codes; case does not matter), and run the program below. The line it prints is the age identity. Saved as <code>key.txt</code>: <code>age-keygen -y key.txt</code> must print the public key above, <code>age -d -i key.txt FILE</code> opens a file.</span></p>
<pre>{{ program if not s.hybrid else program.replace("age-secret-key-", "age-secret-key-pq-") }}</pre>
<p>SLIP-39 合成所得 32 字节按 Bech32（BIP 173）编码，前缀 <code>{{ "AGE-SECRET-KEY-PQ-" if s.hybrid else "AGE-SECRET-KEY-" }}</code>，大写{{ "；需 age 1.3 或更新版本" if s.hybrid else "" }}。无口令。
<span>The 32 joined bytes in Bech32 (BIP 173) with the prefix <code>{{ "AGE-SECRET-KEY-PQ-" if s.hybrid else "AGE-SECRET-KEY-" }}</code>, upper case{{ "; needs age 1.3 or newer" if s.hybrid else "" }}. There is no passphrase.</span></p>
</section>
</body>
</html>
""")
