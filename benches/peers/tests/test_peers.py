"""The bench judges engines: here the judge is judged. `cargo xtask peers` runs this first."""

from __future__ import annotations

import re
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from peers.engines import onnx2c_program
from peers.firmware import HERE, Missing, template
from peers.measure import windows
from peers.multiplicity import svg
from peers.program import dense_layers
from peers.row import count

PROGRAM = """hodoscope-program 1
constant w i8 [2, 3]
  1 -2 3
  4 5 -6
constant b i32 [2]
  7 -8
value x [constituents, 3] i8 frac 0 = input x
value sums [constituents, 2] i32 frac 0 = dense x weights w bias b
value q [constituents, 2] i8 frac 0 = rescale sums by 1 plus 0 shift 3 5 rnd sat
value r [constituents, 2] u7 frac 0 = relu q
output y = r
"""


class Measure(unittest.TestCase):
    def test_an_inference_is_half_of_the_difference_of_two_windows(self) -> None:
        counts = np.array([310, 110, 610, 210])
        self.assertEqual(windows(counts).tolist(), [100, 200])


class Count(unittest.TestCase):
    def answers(self, *numbers: int) -> list[bytes]:
        return [np.array([number], "<i4").tobytes() for number in numbers]

    def test_equal_answers(self) -> None:
        self.assertEqual(count(self.answers(1, -2), self.answers(1, -2), "<i4"), "0 of 2")

    def test_a_difference_is_counted_with_its_size(self) -> None:
        self.assertEqual(count(self.answers(1, 2, 3), self.answers(1, -2, 2), "<i4"), "2 of 3, by up to 4")

    def test_extremes_do_not_wrap(self) -> None:
        ends = -(2**31), 2**31 - 1
        self.assertEqual(count(self.answers(ends[0]), self.answers(ends[1]), "<i4"), f"1 of 1, by up to {2**32 - 1}")

    def test_missing_answers_are_no_agreement(self) -> None:
        self.assertEqual(count(self.answers(1), self.answers(1, 2), "<i4"), "1 answers for 2")


class Program(unittest.TestCase):
    def test_layers_are_read_with_their_rescale(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place, "program.txt")
            file.write_text(PROGRAM)
            (layer,) = dense_layers(file)
        self.assertEqual(layer.weights.tolist(), [[1, -2, 3], [4, 5, -6]])
        self.assertEqual(layer.bias.tolist(), [7, -8])
        self.assertEqual((layer.shift, layer.constituents, layer.relu), (4, True, True))


class Templates(unittest.TestCase):
    def test_what_is_given_is_filled_in(self) -> None:
        for name in ("nothing", "c"):
            text = template(name, inputs=3, outputs=5)
            self.assertNotRegex(text, "@[A-Z]+@")
            self.assertIn("Bytes<3>", text)

    def test_no_template_is_forgotten(self) -> None:
        names = {path.stem for path in (HERE / "engines").glob("*.rs")}
        sources = "".join(path.read_text() for path in (HERE / "peers").glob("*.py"))
        used = set(re.findall(r"template\(\s*\"(\w+)\"", sources))
        self.assertEqual(used, names)


class Onnx2c(unittest.TestCase):
    def test_a_program_a_folder_that_holds_it_and_neither(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            with self.assertRaisesRegex(Missing, "neither the program onnx2c nor its source tree"):
                onnx2c_program(folder, folder / "build")
            program = folder / "build/onnx2c"
            program.parent.mkdir()
            program.touch()
            self.assertEqual(onnx2c_program(folder, folder / "elsewhere"), program)
            self.assertEqual(onnx2c_program(program, folder / "elsewhere"), program)


class Plot(unittest.TestCase):
    def test_every_multiplicity_is_a_point_and_more_is_higher(self) -> None:
        drawn = ElementTree.fromstring(svg(np.arange(900, 67_000, 2000.0), "cortex-m4"))
        points = drawn.findall("{http://www.w3.org/2000/svg}circle")
        heights = [float(point.get("cy")) for point in points]
        self.assertEqual(len(points), 34)
        self.assertEqual(heights, sorted(heights, reverse=True))


if __name__ == "__main__":
    unittest.main()
