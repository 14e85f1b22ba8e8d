"""The pictures of a folder of results, and its report: one page that needs nothing else, not even a
network, and in which text from outside is shown and never run.

    runs -> figures.py -> PNG files ----+
      +---> page.py: values of the page +-> page.html.j2 with style.css -> report.html
"""

from empkit.report.figures import write_figures, write_together
from empkit.report.page import Part, write_report

__all__ = ["Part", "write_figures", "write_report", "write_together"]
