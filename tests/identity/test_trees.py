"""What DuckDB makes of our SQL is kept in a file, which has to be what it makes of it today."""

import pytest

from domain.errors import ConfigError
from identity import parser, trees


def test_the_kept_trees_are_what_duckdb_makes_of_our_texts_now():
    """`make trees` writes them anew; where a text is missing a serving process loads DuckDB."""
    assert trees.KEPT.read_text("utf-8") == parser.own()


def test_a_text_that_is_not_kept_is_parsed():
    (tree,) = trees.parse(["given_l = 'nobody ever wrote this'"])
    assert tree["type"] == "COMPARE_EQUAL"
    with pytest.raises(ConfigError, match="not an SQL expression"):
        trees.parse(["given_l ="])
