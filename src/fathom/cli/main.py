"""The command `fathom`: one dispatch table. PyTorch is imported only when a verb runs."""

import atexit
import gc
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from time import sleep
from types import FrameType, TracebackType
from typing import Annotated

import typer

from fathom.base.errors import FathomError
from fathom.base.terminal import visible
from fathom.cli.options import (
    Asked,
    Data,
    File,
    Json,
    MaybeData,
    Names,
    Out,
    Quiet,
    Rates,
    Resume,
    RunFolder,
    Sheet,
    Speed,
    Time,
    asking,
)

_LOAD = Path("/proc/loadavg")
_LOOKS, _SECONDS_BETWEEN_LOOKS = 8, 0.01

app = typer.Typer(
    name="fathom",
    help="From your own data to a deep-learning model that you can trust.\n\n"
    "Begin with:  fathom look houses.csv --target price\n\n"
    "and then:    fathom train houses.csv --target price",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


@app.command()
@asking("target", "test", "names", "group", "time_column", "kind")
def look(data: Data, asked: Asked, json: Json = False) -> None:
    """Say what a careful person would notice before training."""
    from fathom.cli import verbs

    verbs.look(data, asked, json)


@app.command()
@asking()
def plan(
    data: Data,
    asked: Asked,
    time: Time = None,
    output: File = None,
    rates: Rates = None,
    speed: Speed = False,
    json: Json = False,
) -> None:
    """Say every decision and its reason, as a recipe that can be edited and trained."""
    from fathom.cli import verbs

    verbs.plan(data, asked, time, output, rates, speed, verbs.Show(json))


@app.command()
@asking()
def train(
    asked: Asked,
    data: MaybeData = None,
    resume: Resume = None,
    out: Out = None,
    time: Time = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model and write its report, from a table or a recipe.toml."""
    from fathom.cli import verbs

    show = verbs.Show(json, quiet)
    if resume is not None:
        if asked != Asked() or any(value is not None for value in (data, out, time)):
            raise typer.BadParameter("a run goes on as it began: no other option goes with it.")
        verbs.resume(resume, show)
        return
    verbs.train(data, asked, time, out, show)


@app.command()
def evaluate(run: RunFolder, data: Data, names: Names = None, json: Json = False) -> None:
    """Score a run on other rows whose target is known, with intervals."""
    from fathom.cli import verbs

    verbs.evaluate(run, data, names, json)


@app.command()
def predict(
    run: RunFolder, data: Data, output: File = None, names: Names = None, json: Json = False
) -> None:
    """Answer rows whose target is unknown, and say what is unusual about them."""
    from fathom.cli import verbs

    verbs.predict(run, data, output, names, json)


@app.command()
def show(
    what: Annotated[Path, typer.Argument(help="A run folder, or a table or folder of pictures.")],
    data: Annotated[Path | None, typer.Argument(help="Rows to show through the run.")] = None,
    output: Sheet = None,
    json: Json = False,
) -> None:
    """Show exactly what the network sees: layers with shapes, one batch decoded back."""
    from fathom.cli import verbs

    verbs.show(what, data, output, json)


@app.command()
def replay(run: RunFolder, out: Out = None, json: Json = False, quiet: Quiet = False) -> None:
    """Train a run again from its record and say whether it came out the same."""
    from fathom.cli import verbs

    verbs.replay(run, out, verbs.Show(json, quiet))


@app.command()
def report(
    run: RunFolder,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Say where the report of a run lies, or open it."""
    from fathom.cli import verbs

    verbs.report(run, open_it)


@app.command()
def settings() -> None:
    """List every setting that a recipe may hold."""
    from fathom.cli import verbs

    verbs.settings()


def run() -> None:
    """The entry point: errors of the person's are told in four beats, without a stack trace."""
    sys.excepthook = _own_fault
    # At the end Python sweeps through everything that libraries hold, which takes a second.
    atexit.register(gc.freeze)
    interrupts = _noted_interrupts()
    try:
        _run()
    except FathomError as error:
        _tell(error)
    except (MemoryError, RuntimeError) as error:
        from fathom.training.memory import ran_out

        if not ran_out(error):
            raise
        _tell(_memory_ran_out(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        _tell(_no_such_place(error))
    # The command line's own reader ends without a word on Ctrl-C, and libraries below Python may
    # turn it into an error of theirs.
    except (Exception, KeyboardInterrupt, SystemExit):
        if not interrupts:
            raise
        print("fathom: stopped.", file=sys.stderr)
        sys.exit(130)


def _run() -> None:
    if sys.argv[1:2] in (["train"], ["replay"]) and _busy():
        # Threads that spin while others want their cores bring each other to a halt; on a quiet
        # machine spinning halves the time of a step.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Where the terminal's letters are few (LC_ALL=C), others are spelled out.
            stream.reconfigure(errors="backslashreplace")
    # Not `app()`: typer would put a hook of its own in the place of ours.
    typer.main.get_command(app)()


def _noted_interrupts() -> list[int]:
    """Every Ctrl-C goes into the list, and on as it always does."""
    noted: list[int] = []
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return noted

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        # What it breaks within a library is no news.
        sys.unraisablehook = lambda told: None
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    return noted


def _tell(error: FathomError) -> None:
    if "--json" in sys.argv:
        from json import dumps

        print(visible(dumps(error.to_dict(), ensure_ascii=False)))
    print(f"fathom: {error}", file=sys.stderr)
    sys.exit(error.exit_code)


def _no_such_place(error: OSError) -> FathomError:
    return FathomError(
        "A file, a folder or the output cannot be used.",
        where=str(error.filename or "standard output")[:300],
        expected="a place that can be read or written",
        got=error.strerror or str(error),
        do="Check the name, the rights and the space that is left.",
    )


def _memory_ran_out(error: Exception) -> FathomError:
    return FathomError(
        "Memory ran out.",
        where="fathom " + " ".join(sys.argv[1:3]),
        expected="enough memory for the table, several times its size, and the network",
        got=str(error).partition("\n")[0] or "a request for memory that was refused",
        do="Take fewer rows or columns or a smaller network, or end programs that hold memory.",
    )


def _busy() -> bool:
    """Whether others want nearly half of the cores at this moment.

    The load average would remember what ended minutes ago.
    """
    running = 0
    try:
        for _ in range(_LOOKS):
            sleep(_SECONDS_BETWEEN_LOOKS)
            running += int(_LOAD.read_text().split()[3].partition("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return False
    return running > 0.4 * _LOOKS * (os.cpu_count() or 1)


def _own_fault(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Anything else is a fault of ours: short, with the way to the whole story."""
    if os.environ.get("FATHOM_DEBUG"):
        sys.__excepthook__(kind, error, trace)
        return
    print(
        f"fathom: a fault of fathom itself: {kind.__name__}: {visible(str(error))}\n"
        "  do:       Set FATHOM_DEBUG=1 and run it again to see where; please report it.",
        file=sys.stderr,
    )
