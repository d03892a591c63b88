import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { defaultManifestPath, readCohort, readManifest } from '../../src/engine/manifest.js';
import { nearness } from '../../src/gallery/calibration.js';
import { similarity } from '../../src/gallery/similarity.js';

const manifest = readManifest();
const [entry] = manifest.cohorts;
const space = entry!.space;

t.test('the shipped cohort has at least 1,000 different people, as vectors of length 1', async (t) => {
  const { vectors } = readCohort(manifest, space);
  t.ok(vectors.length >= 1000, `${vectors.length}`);
  t.ok(vectors.every((vector) => vector.length === 192 && Math.abs(Math.hypot(...vector) - 1) < 1e-3));
  const some = vectors.slice(0, 200);
  const closest = Math.max(...some.flatMap((a, i) => some.slice(i + 1).map((b) => similarity(a, b))));
  t.ok(closest < 0.75, `no person twice: ${closest}`);
});

t.test('the nearness in the manifest is that of the cohort', async (t) => {
  const cohort = readCohort(manifest, space);
  const sample = cohort.vectors.filter((_, n) => n % 10 === 0);
  const mean =
    sample.reduce((sum, vector) => {
      const others = cohort.vectors.filter((other) => other !== vector);
      return sum + nearness({ templates: [{ id: 0, vector }] }, others);
    }, 0) / sample.length;
  t.ok(Math.abs(mean - cohort.nearness) < 0.01, `${mean}`);
});

t.test('there is a cohort for the default embedder, and an empty one for an unknown space', async (t) => {
  const embedder = manifest.embedders.find(({ id }) => id === manifest.defaultEmbedder);
  t.equal(embedder?.space, space);
  t.strictSame(readCohort(manifest, 'other').vectors, []);
});

t.test('a missing or changed file is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-cohort-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const copy = join(folder, 'manifest.json');
  copyFileSync(defaultManifestPath, copy);
  t.throws(() => readCohort(readManifest(copy), space), { code: 'MODEL_MISSING' });
  const bytes = readFileSync(join(dirname(defaultManifestPath), entry!.file));
  bytes[1000]! ^= 1;
  writeFileSync(join(folder, entry!.file), bytes);
  t.throws(() => readCohort(readManifest(copy), space), { code: 'MODEL_HASH' });
});
