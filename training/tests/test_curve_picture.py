from pathlib import Path
from xml.etree import ElementTree

import pytest

from roomkin_training.curve_picture import svg, widths

CSV = """images,width,lfw,low_high_tar_far1
0,0.5,0.5,0.1
1000,1.0,0.80,0.60
2000,1.0,0.95,nan
"""


def test_every_row_is_a_point(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text(CSV, "utf-8")
    assert widths(path) == ["0.5", "1.0"]
    picture = ElementTree.fromstring(svg(path, "1.0"))
    assert len(picture.findall("{http://www.w3.org/2000/svg}circle")) == 3
    with pytest.raises(ValueError, match="no row"):
        svg(path, "2.0")
