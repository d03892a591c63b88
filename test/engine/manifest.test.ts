import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { chooseEmbedder, defaultManifestPath, readManifest } from '../../src/engine/manifest.js';
import { modelPath, readModel } from '../../src/engine/model-file.js';
import { createEngine } from '../../src/engine/supervisor.js';

/** A copy of the manifest in a temporary folder, changed by `edit`. */
function changed(edit: (document: { default: string; models: Record<string, unknown>[] }) => void): string {
  const path = join(mkdtempSync(join(tmpdir(), 'roomkin-manifest-')), 'manifest.json');
  const document = JSON.parse(readFileSync(defaultManifestPath, 'utf8'));
  edit(document);
  writeFileSync(path, JSON.stringify(document));
  return path;
}

t.test('every model of the shipped manifest is present and matches its hash', async (t) => {
  const manifest = readManifest();
  for (const model of [manifest.detector, ...manifest.embedders])
    t.ok(readModel(manifest, model).length > 100_000, model.id);
  t.equal(chooseEmbedder(manifest, null).id, manifest.defaultEmbedder);
  t.equal(chooseEmbedder(manifest, 'mobilefacenet').dimension, 192);
  const spaces = new Set(manifest.embedders.map(({ space }) => space));
  t.equal(spaces.size, 1, 'teacher and student share a space, so a gallery survives the switch');
});

t.test('a changed byte is MODEL_HASH, a missing file MODEL_MISSING, both exit 78', async (t) => {
  const bent = changed(({ models }) => {
    models[0]!['file'] = 'detector.tflite';
  });
  await t.rejects(createEngine({ manifestPath: bent }).start(), { code: 'MODEL_MISSING', exitCode: 78 });
  const manifest = readManifest();
  const copy = join(bent, '..', 'detector.tflite');
  copyFileSync(modelPath(manifest, manifest.detector), copy);
  t.ok(readModel(readManifest(bent), readManifest(bent).detector).length > 0);
  const bytes = readFileSync(copy);
  bytes[5000]! ^= 1;
  writeFileSync(copy, bytes);
  await t.rejects(createEngine({ manifestPath: bent }).start(), { code: 'MODEL_HASH', exitCode: 78 });
});

t.test('a damaged and a missing manifest are errors', async (t) => {
  const none = join(tmpdir(), 'no-such-folder', 'manifest.json');
  t.throws(() => readManifest(none), { code: 'MODEL_MISSING' });
  const broken = changed(() => {});
  writeFileSync(broken, '{ "models": [');
  t.throws(() => readManifest(broken), { code: 'MODEL_HASH' });
  const wrong = changed(({ models }) => {
    models[1]!['dimension'] = 'many';
  });
  t.throws(() => readManifest(wrong), { code: 'MODEL_HASH', message: /models\.1\.dimension/ });
  const blind = changed(({ models }) => void models.shift());
  t.throws(() => readManifest(blind), { code: 'MODEL_HASH', message: /no detector/ });
});

t.test('the error for an unknown embedder lists the known ones', async (t) => {
  await t.rejects(createEngine({ embedder: 'nobody' }).start(), { code: 'MODEL_MISSING', message: /mobilefacenet/ });
  const absent = changed(({ models }) => {
    models[2]!['file'] = 'package:@no-such/package/model.tflite';
  });
  t.throws(() => readModel(readManifest(absent), readManifest(absent).embedders[0]!), { message: /npm ci/ });
});
