import t from 'tap';
import { meterLines } from '../../../src/commands/enrol/live.js';
import { type Guidance, startGuidance } from '../../../src/gallery/guided-enrolment.js';
import { face } from '../../room/simulator.js';

const linesFor = (quality: Parameters<typeof face>[2], over: Partial<Guidance> = {}): string[] =>
  meterLines({ ...startGuidance(0), face: face([0, 0, 100, 100], null, quality), ...over }, false);

t.test('a bar is full only when the value is high enough', async (t) => {
  const [poses, quality] = linesFor({ eyesPx: 39, light: 0.21, sharpness: 0.25, yawDegrees: -23.4, pitchDegrees: 2.2 });
  t.equal(poses, '  front .....  left ...  right ...  up ..  down ..');
  t.equal(quality, '  size ####.  light #####  sharp ##...  turned 23° right, 2° up');
  t.match(linesFor({ yawDegrees: 23.4, pitchDegrees: -12 })[1], /turned 23° left, 12° down$/);
});

t.test('no line is wider than a terminal', async (t) => {
  const extreme = { eyesPx: 999, light: 1, sharpness: 1, yawDegrees: -89, pitchDegrees: -89, contrast: 0.01 };
  for (const obstacle of ['several', 'flat', 'duplicate', 'doubtful', 'small', 'nobody'] as const)
    for (const line of linesFor(extreme, { obstacle, faces: 12, next: 'right' })) t.ok(line.length <= 79, line);
  t.equal(meterLines(startGuidance(0), false)[1], '  no face');
});
