import pytest

from roomkin_training.card import BEGIN, END, by_tier, int8_cost, merged, replaced


def test_only_what_lies_between_the_markers_changes() -> None:
    card = f"# Card\n{BEGIN}\nold\n{END}\nwords\n"
    assert replaced(card, f"{BEGIN}\nnew\n{END}") == f"# Card\n{BEGIN}\nnew\n{END}\nwords\n"
    with pytest.raises(ValueError, match="lacks"):
        replaced("# Card\n", "new")


def test_tables_hold_the_measured_figures() -> None:
    row = {"accuracy": 0.98765, "tarAtFar0.01": 0.5, "tarAtFar0.001": 0.25}
    figures = {
        "models": {"m": {"single": {"highHigh": row}}},
        "cosineTo": {"f": {"m": {"highMean": 0.999, "highP01": 0.99, "lowMean": 0.998, "lowP01": 0.98}}},
    }
    assert "| good against good | ours | 98.8 | 50.0 | 25.0 |  |  |" in by_tier(figures, {"m": "ours"}, "single")
    made = {
        "operations": {"CONV_2D": 54},
        "types": {"int8": 127},
        "ranges": "mse",
        "equalised": False,
        "biasCorrected": 256,
        "faces": 480,
        "atypicalFacesLeftOut": 20,
        "bytes": 24_000_000,
        "data": "d",
        "sha256": "s",
    }
    lines = int8_cost(figures, "m", made)
    assert "| operations | 54 CONV_2D |" in lines
    assert "| cosine to float, good pictures | 0.9990 (1st percentile 0.9900) |" in lines


def test_runs_on_different_pictures_are_not_merged() -> None:
    first = {"crops": "a", "degradeSeed": 1, "models": {"m": 1, "n": 2}}
    second = {"crops": "a", "degradeSeed": 1, "models": {"m": 3, "o": 4}, "cosineTo": {"o": {}}}
    assert merged([first, second])["models"] == {"m": 1, "n": 2, "o": 4}
    with pytest.raises(ValueError, match="different"):
        merged([first, {**second, "crops": "b"}])
