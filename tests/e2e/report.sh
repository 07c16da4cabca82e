#!/bin/bash
# report.html of every task: one well-formed page that loads nothing, with names from plans and models as text, and no small cell.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 1500 5 >rows.csv
plan 5 | sed 's/^name: .*/name: "a <script>alert(1)<\/script> \&amp; \\"plan\\""/' >logistic.yaml
sed 's/task: logistic/task: scorecard/' logistic.yaml >scorecard.yaml
sed 's/task: logistic/task: statistics/; /^train:/d' logistic.yaml >statistics.yaml
for task in logistic scorecard statistics; do run $task $task.yaml --split rows.csv:5; done
"$cofferdam" plan evaluate logistic/model.json --against scorecard/model.json --cutoff 0.3 --group region --purpose test -o evaluate.yaml
run evaluate evaluate.yaml --split rows.csv:5
python3 - logistic scorecard statistics evaluate <<'END' || fail "a report is not as it must be"
import html.parser, json, pathlib, re, sys
VOID = {"meta", "br", "line", "polyline", "rect", "circle"}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.charts, self.captions = [], "", 0, 0
    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "img", "iframe", "object"), tag
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attributes), attributes
        if tag not in VOID:
            self.open.append(tag)
        self.charts += tag == "svg" and ("role", "img") in attributes
        self.captions += tag in ("caption", "figcaption")
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_startendtag(self, tag, attributes):
        assert tag in VOID
    def handle_data(self, data):
        self.text += data
for task in sys.argv[1:]:
    source = pathlib.Path(task, "report.html").read_text()
    page = Page()
    page.feed(source)
    page.close()
    model = json.loads(pathlib.Path(task, "model.json").read_text())
    assert not page.open, page.open
    assert "http" not in re.sub("http-equiv", "", source), task
    assert "default-src 'none'" in source and "prefers-color-scheme:dark" in source and "@media print" in source
    assert "Purpose" in page.text and model["hash"] in page.text and model["plan_hash"] in page.text and model["plan"] in page.text and "bank-3" in page.text
    for section in ("What was released, and to whom", "Limits", "Definitions", "The plan", "fewer than 10 customers"):
        assert section in page.text, (task, section)
    assert page.charts >= 2 and page.captions >= page.charts, (task, page.charts)
    for number in re.findall(r'(?:points|cx|cy|x|y|width|height|x1|x2|y1|y2)="([^"]*)"', source):
        assert not re.search("nan|inf", number), (task, number)
END
