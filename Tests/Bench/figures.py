"""The tables: absolute figures, and jobspool's ratios to the limit and to the best alternative. A ratio below 1 means
that jobspool is ahead, whether the figure is better small (a time) or large (a rate)."""

import dataclasses


@dataclasses.dataclass
class Row:
    system: str
    kind: str
    values: list  # the first one is the one that is compared
    note: str = ""


def text(value):
    if value is None:
        return "-"
    if value == 0:
        return "0"
    size = abs(value)
    return (
        f"{value:,.0f}"
        if size >= 100
        else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.4f}"
    )


class Table:
    """One measure of several systems."""

    def __init__(self, title, unit, columns, limit=None, less_is_better=True):
        self.title = title
        self.unit = unit
        self.columns = columns
        self.limit = limit  # the name of the row that is the limit
        self.less_is_better = less_is_better
        self.rows = []

    def add(self, system, values, note=""):
        self.rows.append(Row(system.name, system.kind, values, note))

    def ratio(self, value, other):
        if not value or not other:
            return None
        return value / other if self.less_is_better else other / value

    def of(self, kind):
        rows = [row for row in self.rows if row.kind == kind and row.values[0] is not None]
        return sorted(rows, key=lambda row: row.values[0], reverse=not self.less_is_better)

    def limit_row(self):
        return next((row for row in self.rows if row.system == self.limit), None)

    def show(self):
        print(f"\n{self.title} ({self.unit})")
        best, limit, own = self.of("alternative"), self.limit_row(), self.of("jobspool")
        heads = [*self.columns, "jobspool's ratio"]
        print(f"  {'':28}" + "".join(f"{head:>18}" for head in heads))
        for row in self.rows:
            ratio = self.ratio(own[0].values[0], row.values[0]) if own and row.kind != "jobspool" else None
            cells = [text(value) for value in row.values] + ["-"] * (len(self.columns) - len(row.values))
            mark = " *" if best and row is best[0] else " =" if row is limit else ""
            print(
                f"  {row.system + mark:28}"
                + "".join(f"{cell:>18}" for cell in [*cells, text(ratio)])
                + ("  " + row.note if row.note else "")
            )

    def markdown(self):
        """A row of the table of all measures."""
        best, limit, own = self.of("alternative"), self.limit_row(), self.of("jobspool")
        others = ", ".join(f"{row.system} {text(row.values[0])}" for row in best[:3])
        value, note = (own[0].values[0], own[0].note) if own else (None, "")
        ratios = [self.ratio(value, row.values[0]) if row else None for row in (limit, best[0] if best else None)]
        cells = [
            f"{self.title}: {self.unit}",
            text(value) + (f" ({note})" if note else ""),
            text(limit.values[0]) if limit else "-",
            others or "-",
            *map(text, ratios),
        ]
        return "| " + " | ".join(cells) + " |"


def markdown(tables):
    head = "| measure | jobspool | limit | best alternatives | ratio to limit | to best |"
    return "\n".join([head, "|---|---|---|---|---|---|", *(table.markdown() for table in tables)])


BEGIN, END = "<!-- Tests/bench.sh --readme -->\n", "<!-- end -->\n"


def write_into(path, figures):
    """Puts figures in the place of those between the two marks in a file."""
    with open(path) as file:
        before, begin, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RuntimeError(f"{path} has no place for figures")
    with open(path, "w") as file:
        file.write(before + begin + figures + end + after)
