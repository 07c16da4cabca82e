"""An evaluator of PMML 4.4 (dmg.org) for what Cofferdam writes, made from the standard alone: RegressionModel with the logit
link, Scorecard with reason codes, the mining schema's treatment of values, PredictorTerm, Apply of + - * / max, MapValues.

evaluate(path) -> function(row: dict of text or None) -> dict of outputs, or None when the result is invalid."""
import math
import xml.etree.ElementTree

NS = "{http://www.dmg.org/PMML-4_4}"


class Invalid(Exception):
    pass


def _field(data, mining):
    """One field's raw text to its value; None is missing (DataDictionary, MiningSchema: validity, outliers, replacement)."""
    number = data.get("dataType") == "double"
    values = [float(v.get("value")) if number else v.get("value") for v in data.findall(NS + "Value")]
    intervals = [(float(i.get("leftMargin")), float(i.get("rightMargin"))) for i in data.findall(NS + "Interval")]
    low, high = (float(mining.get(k)) if mining.get(k) else None for k in ("lowValue", "highValue"))

    def prepare(text):
        value = text
        if value is not None and number:
            try:
                value = float(value)
            except ValueError:
                raise Invalid
        if value is not None and number and mining.get("outliers", "asIs") != "asIs":
            if value < low or value > high:
                value = None if mining.get("outliers") == "asMissingValues" else low if value < low else high
        if value is not None:
            if (values or intervals) and value not in values and not any(a <= value <= b for a, b in intervals):
                assert mining.get("invalidValueTreatment", "returnInvalid") == "returnInvalid"
                raise Invalid
        if value is None:
            if mining.get("missingValueTreatment") == "returnInvalid":
                raise Invalid
            replacement = mining.get("missingValueReplacement")
            value = None if replacement is None else float(replacement) if number else replacement
        return value

    return prepare


def _expression(node, fields):
    tag = node.tag.removeprefix(NS)
    if tag == "FieldRef":
        return fields[node.get("field")]
    if tag == "Constant":
        return float(node.text)
    if tag == "Apply":
        parts = [_expression(child, fields) for child in node]
        if None in parts:
            return None
        a, b = parts
        return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b, "max": lambda: max(a, b)}[node.get("function")]()
    if tag == "MapValues":
        pair, = node.findall(NS + "FieldColumnPair")
        value = fields[pair.get("field")]
        if value is None:
            return float(node.get("mapMissingTo")) if node.get("mapMissingTo") else None
        for row in node.find(NS + "InlineTable"):
            if row.find(NS + pair.get("column")).text == value:
                return float(row.find(NS + node.get("outputColumn")).text)
        return float(node.get("defaultValue")) if node.get("defaultValue") else None
    raise NotImplementedError(tag)


def _regression(model, fields):
    for derived in model.find(NS + "LocalTransformations"):
        fields[derived.get("name")] = _expression(next(iter(derived)), fields)
    first, second = model.findall(NS + "RegressionTable")
    assert model.get("normalizationMethod") == "logit" and len(second) == 0
    score = float(first.get("intercept"))
    for term in first.findall(NS + "NumericPredictor"):
        value = fields[term.get("name")]
        if value is None:
            raise Invalid
        score += float(term.get("coefficient")) * value
    for term in first.findall(NS + "PredictorTerm"):
        product = float(term.get("coefficient"))
        for field in term.findall(NS + "FieldRef"):
            product *= fields[field.get("field")]
        score += product
    probability = 1 / (1 + math.exp(-score))
    given = {first.get("targetCategory"): probability, second.get("targetCategory"): 1 - probability}
    return {o.get("name"): given[o.get("value")] for o in model.find(NS + "Output")}


def _holds(predicate, fields):
    if predicate.tag == NS + "CompoundPredicate":
        assert predicate.get("booleanOperator") == "or"
        return any(_holds(child, fields) for child in predicate)
    value = fields[predicate.get("field")]
    operator = predicate.get("operator")
    if operator in ("isMissing", "isNotMissing"):
        return (value is None) == (operator == "isMissing")
    if value is None:
        return False  # unknown
    other = predicate.get("value") if isinstance(value, str) else float(predicate.get("value"))
    return {"equal": value == other, "lessThan": isinstance(value, float) and value < other,
            "greaterThan": isinstance(value, float) and value > other}[operator]


def _scorecard(model, fields):
    score, lost = float(model.get("initialScore")), []
    assert model.get("reasonCodeAlgorithm") == "pointsBelow"
    for characteristic in model.find(NS + "Characteristics"):
        chosen = next((a for a in characteristic if _holds(next(iter(a)), fields)), None)
        if chosen is None:
            raise Invalid
        partial = float(chosen.get("partialScore"))
        score += partial
        below = float(characteristic.get("baselineScore")) - partial
        if below > 0:
            lost.append((-below, len(lost), characteristic.get("reasonCode")))
    reasons = [code for _, _, code in sorted(lost)]
    outputs = {}
    for output in model.find(NS + "Output"):
        rank = int(output.get("rank", "1"))
        if output.get("feature") == "reasonCode":
            outputs[output.get("name")] = reasons[rank - 1] if rank <= len(reasons) else None
        else:
            outputs[output.get("name")] = score
    return outputs


def evaluate(path):
    root = xml.etree.ElementTree.parse(path).getroot()
    assert root.tag == NS + "PMML" and root.get("version").startswith("4.4")
    data = {d.get("name"): d for d in root.find(NS + "DataDictionary")}
    model = next(m for m in root if m.tag in (NS + "RegressionModel", NS + "Scorecard"))
    prepare = {m.get("name"): _field(data[m.get("name")], m) for m in model.find(NS + "MiningSchema")}
    run = _regression if model.tag == NS + "RegressionModel" else _scorecard

    def one(row):
        try:
            return run(model, {name: take(row[name]) for name, take in prepare.items()})
        except Invalid:
            return None

    return one
