import t from 'tap';
import { DETECTOR_PX, decode } from '../../src/vision/blazeface.js';
import { type Candidate, suppress } from '../../src/vision/candidate.js';
import { containment, overlap } from '../../src/vision/face.js';
import { viewAround } from '../../src/vision/picture.js';
import { golden } from './made-picture.js';

interface DecodeGolden {
  readonly inputs: { rows: { anchor: number; logit: number; regressors: number[] }[]; leastScore: number };
  readonly expected: { faces: Candidate[] };
  readonly tolerance: { absolute: number };
}

const whole = viewAround(DETECTOR_PX / 2, DETECTOR_PX / 2, DETECTOR_PX);

function rawOutputs(rows: DecodeGolden['inputs']['rows']) {
  const regressors = new Float32Array(2304 * 16);
  const logits = new Float32Array(2304).fill(-100);
  for (const { anchor, logit, regressors: values } of rows) {
    regressors.set(values, anchor * 16);
    logits[anchor] = logit;
  }
  return { regressors, logits };
}

t.test('decoding and suppression agree with Python', async (t) => {
  const { inputs, expected, tolerance } = golden<DecodeGolden>('decode');
  const { regressors, logits } = rawOutputs(inputs.rows);
  const faces = suppress(decode(regressors, logits, whole, inputs.leastScore));
  t.equal(faces.length, expected.faces.length);
  for (const [i, face] of faces.entries()) {
    const expectedFace = expected.faces[i]!;
    // Here landmarks have a pixel's value at its integer coordinate, in Python at its centre.
    const actualNumbers = [...face.box, face.score, ...face.landmarks.flat().map((value) => value + 0.5)];
    const expectedNumbers = [...expectedFace.box, expectedFace.score, ...expectedFace.landmarks.flat()];
    const far = Math.max(...actualNumbers.map((value, k) => Math.abs(value - expectedNumbers[k]!)));
    t.ok(far <= tolerance.absolute, `face ${i} differs by ${far}`);
  }
});

t.test('a view translates and scales its candidates', async (t) => {
  const { inputs } = golden<DecodeGolden>('decode');
  const { regressors, logits } = rawOutputs(inputs.rows);
  const [plain] = decode(regressors, logits, whole, 0.9);
  const [moved] = decode(regressors, logits, viewAround(100 + DETECTOR_PX, -50 + DETECTOR_PX, 2 * DETECTOR_PX), 0.9);
  t.same(moved!.box, [100 + 2 * plain!.box[0], -50 + 2 * plain!.box[1], 2 * plain!.box[2], 2 * plain!.box[3]]);
  t.equal(moved!.landmarks[2][0], 100 + 2 * (plain!.landmarks[2][0] + 0.5) - 0.5);
});

t.test('invalid numbers give no candidate', async (t) => {
  const { regressors, logits } = rawOutputs([
    { anchor: 5, logit: Number.NaN, regressors: Array(16).fill(1) },
    { anchor: 6, logit: 5, regressors: [0, 0, -3, 10, ...Array(12).fill(0)] },
    { anchor: 7, logit: 5, regressors: [0, 0, Number.NaN, 10, ...Array(12).fill(0)] },
  ]);
  t.same(decode(regressors, logits, whole, 0.5), []);
});

t.test('overlap and containment give known values', async (t) => {
  t.equal(overlap([0, 0, 10, 10], [0, 0, 10, 10]), 1);
  t.equal(overlap([0, 0, 10, 10], [10, 0, 10, 10]), 0);
  t.equal(overlap([0, 0, 10, 10], [5, 0, 10, 10]), 50 / 150);
  t.equal(containment([2, 2, 4, 4], [0, 0, 10, 10]), 1);
  t.equal(overlap([0, 0, 0, 0], [0, 0, 0, 0]), 0);
});
