"""Keys of random streams and seeds: the same on every machine, different for different things."""

from allotment.scenario.streams import derived_seed, stream_key


def test_a_stream_is_keyed_by_its_names_for_ever():
    # printf "demand\x1fweb\x1ftin" | b2sum -l 64, read with the lowest byte first; every draw depends on it
    assert stream_key("demand", "web", "tin") == 8747183373393224666
    assert stream_key("a", "bc") != stream_key("ab", "c")


def test_purposes_and_seeds_never_share_a_derived_seed():
    seeds = {derived_seed(purpose, seed) for purpose in ("train", "tune", "validate", "test") for seed in range(500)}
    assert len(seeds) == 4 * 500
    assert all(0 <= seed < 2**62 for seed in seeds)
