"""Warnings are one line each."""

import warnings

from allotment.plain_warnings import plain_warnings


def test_a_warning_is_one_line_without_its_source():
    before = warnings.formatwarning
    with plain_warnings():
        assert warnings.formatwarning("two\nlines", UserWarning, "file.py", 3, "the source") == "warning: two lines\n"
    assert warnings.formatwarning is before
