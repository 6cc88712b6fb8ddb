"""Warnings are one line each."""

import warnings

from allotment.plain_warnings import plain_warnings


def test_a_warning_is_one_line_without_its_source(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = warnings._showwarning_orig
        with plain_warnings():
            warnings.warn("two\nlines", stacklevel=1)
    assert capsys.readouterr().err == "warning: two lines\n"
    assert warnings.formatwarning is not None
