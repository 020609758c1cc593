"""Writes tables as python-tabulate 0.10.0 (with wcwidth) lays them out: cases.json.

    python make.py

Each case: headers, rows (null is a missing entry, "nan", "inf" and "-inf" inside {"float": ...}),
and for each format the text.
"""

import json
import math
import pathlib

import tabulate

NAN, INF = math.nan, math.inf
CASES = [
    (["subset", "samples", "PropEng[mean]"], [["train", 6, 0.25], ["test", 12, -10.12345]]),
    (["subset", "a", "b"], [["x", NAN, NAN], ["y", 1.0, NAN]]),
    (["subset", "a", "b"], [["x", INF, -INF], ["y", -1.5, 1e6]]),
    (["only", "headers"], []),
    (["name", "label"], [["日本語.png", 1], ["naïve Ünïcode e\u0301.png", -20], ["ﾊﾝｶｸ 😀", 300]]),
    (["algorithm", "score"], [["a & b_c", 0.0005], ["50 % {x} ~^\\ <y>", 0.0625], ["$#", -0.0001]]),
    (["mixed", "numbers"], [[1, 1], ["two", 2.5], [3.25, -7]]),
    (["", "blank first"], [["", 1], ["  padded  ", 2], ["z", 3]]),
    (["missing", "all missing"], [[1.5, None], [None, None], [-22, None]]),
    (["a rather long header", "x"], [["short", 1234567]]),
    (["one"], [[0.0]]),
]


def typed(cell):
    if isinstance(cell, float):
        return {"float": repr(cell)}
    return cell


cases = []
for headers, rows in CASES:
    texts = {
        name: tabulate.tabulate(rows, headers, tablefmt=name, floatfmt=".3f")
        for name in ["rst", "github", "latex", "plain"]
    }
    cases.append({"headers": headers, "rows": [[typed(c) for c in row] for row in rows], "texts": texts})
path = pathlib.Path(__file__).with_name("cases.json")
path.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")
