"""Interleaved runs, and their medians and spreads as Markdown tables."""
import statistics


def interleaved(servers, run, passes):
    """run(server) for each server in turn, `passes` times, beginning with another one each time."""
    results = {server.name: [] for server in servers}
    for number in range(passes):
        start = number % len(servers)
        for server in servers[start:] + servers[:start]:
            results[server.name].append(run(server))
    return results


def spread(values, digits):
    """median (min-max)"""
    low, middle, high = (f"{value:,.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low}-{high})"


def ratios(values, base):
    """The same of the ratios pass by pass."""
    return spread([value / other for value, other in zip(values, base)], 2)


def show(title, head, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def compare(title, results, base, columns):
    """A row a server, and for each column (name, digits, measure) the measure and its ratio to that of `base`;
    digits None: the ratio alone."""
    head, rows = ["server"], {name: [name] for name in results}
    for column, digits, measure in columns:
        head += [f"{column}, to {base}"] if digits is None else [column, f"to {base}"]
        against = [measure(run) for run in results[base]]
        for name, runs in results.items():
            values = [measure(run) for run in runs]
            if digits is not None:
                rows[name].append(spread(values, digits))
            rows[name].append(ratios(values, against))
    show(title, head, rows.values())


def number(value, digits):
    return "not counted" if value is None else f"{value:,.{digits}f}"


def calls_text(calls):
    """2.03 (read 1.01, write 1.01, ...)"""
    if calls is None:
        return "not counted"
    parts = sorted(calls.items(), key=lambda item: (-round(item[1], 2), item[0]))
    return f"{sum(calls.values()):.2f} ({', '.join(f'{name} {count:.2f}' for name, count in parts)})"
