"""Interleaved runs, and their medians and spreads as Markdown tables."""
import statistics
import time

from measure.servers import Failed


class Least:
    """A run that takes too long, as the machine is busy, makes do with fewer passes from then on."""

    passes, end = 3, None

    def begin(self, minutes):
        self.end = time.monotonic() + minutes * 60

    def is_enough(self, passes):
        return passes >= self.passes and self.end is not None and time.monotonic() > self.end


LEAST = Least()


def interleaved(servers, run, passes):
    """{name: [run(server), pass by pass]}: each server in turn, `passes` times, beginning with another one each time.
    A peer that fails is left out with a word; weir must not."""
    servers, results = list(servers), {server.name: [] for server in servers}
    for number in range(passes):
        if LEAST.is_enough(number):
            break
        start = number % len(servers)
        for server in servers[start:] + servers[:start]:
            try:
                results[server.name].append(run(server))
            except Failed as error:
                if server.name.startswith("weir"):
                    raise
                print(f"\n{server.name} is left out from here on: {error}")
                servers.remove(server)
                del results[server.name]
    return results


def spread(values, digits):
    """median (min-max)"""
    low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low}-{high})"


def ratios(values, base):
    """The same of the ratios pass by pass."""
    return spread([value / other for value, other in zip(values, base)], 2)


def ratio(values, base):
    """The median of the ratios pass by pass."""
    return statistics.median(value / other for value, other in zip(values, base))


def show(title, head, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def matrix(title, first, results, measure, digits, base=None):
    """A row a scenario, a column a server. results: {scenario: {server: [runs]}}; base: ratios to that server's."""
    names = list(dict.fromkeys(name for by_server in results.values() for name in by_server))
    rows = []
    for scenario, by_server in results.items():
        values = {name: [measure(run) for run in runs] for name, runs in by_server.items()}
        cells = ["" if name not in values else ratios(values[name], values[base]) if base in values
                 else spread(values[name], digits) for name in names]
        rows.append([scenario, *cells])
    show(title, [first, *names], rows)


def compare(title, results, base, columns):
    """A row a server, and for each column (name, digits, measure) the measure and its ratio to that of `base`."""
    head, rows = ["server"], {name: [name] for name in results}
    for column, digits, measure in columns:
        head += [column, f"to {base}"]
        against = [measure(run) for run in results[base]]
        for name, runs in results.items():
            values = [measure(run) for run in runs]
            rows[name] += [spread(values, digits), ratios(values, against)]
    show(title, head, rows.values())


def peaks_text(servers):
    """One line: the most memory each running server has held."""
    held = ", ".join(f"{server.name} {server.peak_rss() / 1e6:,.1f}" for server in servers)
    return f"Most memory held, whole process, MB: {held}."


def number(value, digits):
    return "not counted" if value is None else f"{value:,.{digits}f}"


def calls_text(calls):
    """2.03 (read 1.01, write 1.01, ...)"""
    if calls is None:
        return "not counted"
    parts = sorted(calls.items(), key=lambda item: (-round(item[1], 2), item[0]))
    return f"{sum(calls.values()):.2f} ({', '.join(f'{name} {count:.2f}' for name, count in parts)})"
