"""The report as one self-contained HTML file, and as a fragment for a notebook."""

from html import escape
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from fathom.base.files import write_text
from fathom.reports.content import ReportContent
from fathom.reports.curves import training_section
from fathom.reports.mistakes import mistake_section
from fathom.reports.plates import plates
from fathom.reports.scores import score_section
from fathom.reports.sections import (
    about_finding,
    column_summary,
    finding_groups,
    importance_bars,
    record_rows,
    time_bars,
)
from fathom.reports.speed import speed_section
from fathom.reports.words import (
    breakable,
    counted,
    cut,
    metric_name,
    number,
    setting,
    share,
    writable,
)


def render(content: ReportContent) -> str:
    """The whole report as HTML that needs nothing else: no network, no script, no other file.

    Whatever comes from the data is escaped, and a content security policy forbids everything
    but the style and the pictures inside the page.

    Args:
        content: what is known; sections without content are left out.

    Example:
        >>> page = render(ReportContent(title="houses", verdict="Better than <guessing>."))
        >>> "Better than &lt;guessing&gt;." in page
        True
    """
    scores = [score_section(target) for target in content.targets]
    mistakes = [mistake_section(target) for target in content.targets]
    page = (
        environment()
        .get_template("report.html")
        .render(
            content=content,
            plate=plates(content),
            scores=[section for section in scores if not section.empty],
            mistakes=[section for section in mistakes if not section.empty],
            findings=finding_groups(content.findings or ()),
            importance=importance_bars(content.importance),
            training=training_section(content),
            times=time_bars(content.timings),
            speed=speed_section(content.speed),
            record=record_rows(content.record),
        )
    )
    return writable(page)


def write_report(path: Path, content: ReportContent) -> None:
    """Write the report as one HTML file, whole or not at all.

    Raises:
        StorageError: the disk is full or the place cannot be written to.
    """
    write_text(path, render(content))


def as_notebook(content: ReportContent, height: int = 640) -> str:
    """The report as a fragment for `_repr_html_`.

    It stands in a frame of its own, without rights, so that neither the notebook's style reaches
    into it nor its style out.

    Args:
        content: what is known.
        height: of the frame in pixels; what is longer scrolls, and the frame can be pulled.
    """
    return in_frame(render(content), f"fathom report: {content.title}", height)


def in_frame(page: str, title: str, height: int = 640) -> str:
    """A whole page as a fragment for a notebook: in a frame of its own, without any rights.

    Args:
        page: the page.
        title: what it is, for those who cannot see it.
        height: of the frame in pixels; what is longer scrolls, and the frame can be pulled.

    Example:
        >>> print(in_frame("<p>1 < 2</p>", "a sum").partition("srcdoc=")[2])
        "&lt;p&gt;1 &lt; 2&lt;/p&gt;"></iframe>
    """
    style = (
        f"width:100%;height:{int(height)}px;border:1px solid #8884;border-radius:6px;"
        "resize:vertical;overflow:auto"
    )
    return (
        f'<iframe sandbox="" title="{escape(writable(title))}" '
        f'style="{style}" srcdoc="{escape(page)}"></iframe>'
    )


def environment() -> Environment:
    """The templates of all pages: what comes from the data is escaped, what is missing an error."""
    environment = Environment(
        loader=PackageLoader("fathom.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {
            "number": number,
            "share": share,
            "setting": setting,
            "counted": counted,
            "cut": cut,
            "breakable": breakable,
            "metric_name": metric_name,
            "about": about_finding,
            "column_summary": column_summary,
        }
    )
    return environment
