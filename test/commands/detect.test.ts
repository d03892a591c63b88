import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
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

t.test('as text: each file and each face, in 80 columns', async (t) => {
  const { code, stdout } = await runVerb(['detect', small, empty]);
  t.equal(code, 0);
  for (const line of stdout.replaceAll(folder, '/f').split('\n')) t.ok(line.length <= 80, line);
  const lines = stdout.split('\n').filter((line) => /^( {2})?\S/.test(line));
  t.equal(lines.length, 5);
  t.match(lines[0], /small\.jpg: 480x\d+ px, 3 faces/);
  t.match(lines[4], /wall\.png: 300x200 px, 0 faces/);
});

t.test('--draw marks the faces in a copy', async (t) => {
  const marked = join(folder, 'marked.jpg');
  t.equal((await runVerb(['detect', small, '--draw', marked])).code, 0);
  const [before, after] = await Promise.all([small, marked].map((file) => sharp(file).raw().toBuffer()));
  t.equal(after!.length, before!.length, 'the same size');
  const changed = before!.filter((value, at) => Math.abs(value - after![at]!) > 60).length;
  t.ok(changed > 500 && changed < before!.length / 10, `${changed} of ${before!.length} values`);
  t.equal(statSync(marked).mode & 0o777, 0o600, 'a picture of people is private');
  for (const [args, code] of [
    [[small, empty, '--draw', marked], 64],
    [[small, '--draw', join(folder, 'marked.bmp')], 64],
    [[small, '--draw', join(folder, 'nowhere', 'marked.jpg')], 74],
  ] as const)
    t.equal((await runVerb(['detect', ...args])).code, code, args.join(' '));
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
