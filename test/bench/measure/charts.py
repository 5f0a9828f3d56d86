"""Charts as SVG, drawn by gnuplot: one colour a server in all of them. Without gnuplot there are none."""
import functools
import shutil
import statistics
import subprocess

# Of Okabe and Ito, who picked them to be told apart by everybody; weir's is the strong one.
COLOURS = ["#0072B2", "#999999", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000", "#8C6D31"]
KNOWN = ["weir", "epoll", "libuv", "nginx", "Netty", "Node", "libevent", "HAProxy", "Go", "fasthttp"]
SAME = {"sendfile": "epoll", "Go net/http": "Go", "plain C": "epoll", "evbuffer": "libevent", "glibc malloc": "libuv",
        "jemalloc": "nginx", "mimalloc": "HAProxy"}
SECONDS = 60


def medians(by_server, measure, base=None):
    """{server: median}, or the median of the ratios to `base`, pass by pass."""
    values = {name: [measure(run) for run in runs] for name, runs in by_server.items()}
    against = values.get(base)
    return {name: statistics.median(one / other for one, other in zip(own, against)) if against
            else statistics.median(own) for name, own in values.items()}


def colour(name, number):
    name = name.split(",")[0]
    name = SAME.get(name, name)
    return COLOURS[KNOWN.index(name)] if name in KNOWN else COLOURS[number % len(COLOURS)]


@functools.cache
def can_draw():
    found = shutil.which("gnuplot") is not None
    if not found:
        print("\nThere is no gnuplot: no charts.")
    return found


def quoted(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("_", " ") + '"'


def draw(options, name, lines):
    if not can_draw():
        return
    options.charts.mkdir(parents=True, exist_ok=True)
    path = options.charts / f"{name}.svg"
    script = ["set terminal svg size 960,440 dynamic font 'sans-serif,13' background '#ffffff' name 'weir'",
              f"set output '{path}'", "set grid ytics lc rgb '#dddddd'", "set border 3 lc rgb '#555555'",
              "set tics nomirror", *lines]
    subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True, timeout=SECONDS)


def block(number, rows):
    return [f"$d{number} << E", *(" ".join(map(str, row)) for row in rows), "E"]


def head(title, ylabel):
    return [f"set title {quoted(title)} font ',16'", f"set ylabel {quoted(ylabel)}"]


def bars(options, name, title, ylabel, groups, log=False):
    """groups: {label: {series: value}}; a bar for each, with its value on top."""
    series = list(dict.fromkeys(one for values in groups.values() for one in values))
    least = min(value for values in groups.values() for value in values.values())
    lines = head(title, ylabel) + ["set style fill solid 0.9", "set boxwidth 0.9", "set key outside right top vertical"]
    lines.append(f"set logscale y; set yrange [{min(1, least / 2):g}:*]" if log else "set yrange [0:*]; set offsets graph 0,0,0.08,0")
    width, ticks, plots = len(series) + 1, [], []
    for number, label in enumerate(groups):
        ticks.append(f"{quoted(label)} {number * width + (len(series) - 1) / 2}")
    lines += [f"set xtics ({', '.join(ticks)}) scale 0", f"set xrange [-1:{len(groups) * width - 1}]"]
    if len(series) == 1:
        lines += ["set key off", "set xtics rotate by -25"]
    for number, one in enumerate(series):
        rows = [(place * width + number, values[one],
                 colour(label if len(series) == 1 else one, number).replace("#", "0x")) for place, (label, values) in
                enumerate(groups.items()) if one in values]
        lines += block(number, rows)
        plots.append(f"$d{number} using 1:2:3 with boxes lc rgb variable notitle")
        plots.append(f"NaN with boxes fs solid lc rgb '{colour(one, number)}' title {quoted(one)}")
        plots.append(f"$d{number} using 1:2:(sprintf($2 >= 1000 ? '%.0f' : '%.3g', $2)) with labels offset 0,0.6 font ',9' "
                     "notitle")
    draw(options, name, [*lines, "plot " + ", ".join(plots)])


def curves(options, name, title, xlabel, ylabel, series, logx=True, logy=True):
    """series: {label: [(x, y)]}"""
    lines = head(title, ylabel) + [f"set xlabel {quoted(xlabel)}", "set key left top", "set format x '%.0s%c'"]
    lines += (["set logscale x"] if logx else []) + (["set logscale y"] if logy else ["set yrange [0:*]"])
    plots = []
    for number, (label, points) in enumerate(series.items()):
        lines += block(number, points)
        plots.append(f"$d{number} with linespoints lw 2 pt 7 ps 0.7 lc rgb '{colour(label, number)}' title {quoted(label)}")
    draw(options, name, [*lines, "plot " + ", ".join(plots)])
