import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { runVerb } from '../helpers/cli.js';

const sample = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', 'sample2.jpg');
const folder = mkdtempSync(join(tmpdir(), 'roomkin-detect-'));
const small = join(folder, 'small.jpg');
const large = join(folder, 'large.jpg');
const empty = join(folder, 'wall.png');

t.before(async () => {
  await sharp(sample).resize(480).jpeg().toFile(small);
  await sharp(sample).resize(960).jpeg().toFile(large);
  await sharp({ create: { width: 300, height: 200, channels: 3, background: '#b0a090' } })
    .png()
    .toFile(empty);
});

t.test('faces of several files as one JSON document, in pixels of the files', async (t) => {
  const { code, stdout } = await runVerb(['detect', small, large, empty, '--json']);
  t.equal(code, 0);
  const { files } = JSON.parse(stdout);
  t.same(
    files.map(({ file, width }: { file: string; width: number }) => [file, width]),
    [
      [small, 480],
      [large, 960],
      [empty, 300],
    ],
  );
  t.same(
    files.map(({ faces }: { faces: unknown[] }) => faces.length),
    [3, 3, 0],
  );
  const byLeft = (index: number) => [...files[index].faces].sort((a, b) => a.box[0] - b.box[0]);
  for (const [i, face] of byLeft(0).entries()) {
    const same = byLeft(1)[i];
    t.ok(Math.abs(same.box[0] - 2 * face.box[0]) < 0.5 * face.box[2], 'twice the size, twice the numbers');
    t.ok(same.quality.eyesPx > 1.4 * face.quality.eyesPx);
    t.equal(face.landmarks.length, 6);
  }
});

t.test('as text: a line for each file and each face', async (t) => {
  const { code, stdout } = await runVerb(['detect', small, empty]);
  t.equal(code, 0);
  const lines = stdout.trim().split('\n');
  t.equal(lines.length, 5);
  t.match(lines[0], /small\.jpg: 480x\d+, 3 faces/);
  t.match(lines[4], /wall\.png: 300x200, 0 faces/);
});

t.test('a bad photo is reported, the others are shown, exit 65; no photo is a usage error', async (t) => {
  const bad = join(folder, 'bad.jpg');
  writeFileSync(bad, 'no image');
  const { code, stdout, stderr } = await runVerb(['detect', bad, empty, '--json']);
  t.equal(code, 65);
  t.equal(JSON.parse(stdout).files.length, 1);
  t.match(stderr, /PHOTO_UNREADABLE.*bad\.jpg/);
  t.equal((await runVerb(['detect'])).code, 64);
  t.equal((await runVerb(['detect', small, '--nonsense'])).code, 64);
});
