import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { defaultManifestPath } from '../../src/engine/manifest.js';
import { runVerb } from '../helpers/cli.js';

/** The shipped manifest with the random-weights int8 ResNet50 (width 0.25) as one more embedder. */
function withResnet(): string {
  const fixtures = join(packageRoot, 'test', 'fixtures');
  const manifest = JSON.parse(readFileSync(defaultManifestPath, 'utf8'));
  const resnet = JSON.parse(readFileSync(join(fixtures, 'resnet50-w025-random-int8.json'), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-bench-'));
  const file = join(folder, resnet.file);
  writeFileSync(file, readFileSync(join(fixtures, resnet.file)));
  const isKept = ({ task, file }: { task: string; file: string }): boolean =>
    task === 'detect' || file.startsWith('package:');
  const models = manifest.models.filter(isKept);
  for (const { file } of models.filter(({ task }: { task: string }) => task === 'detect')) {
    writeFileSync(join(folder, file), readFileSync(join(packageRoot, 'models', 'int8', file)));
  }
  const path = join(folder, 'manifest.json');
  writeFileSync(path, JSON.stringify({ default: 'mobilefacenet', models: [...models, resnet] }));
  return path;
}

t.test('figures for every stage, with XNNPACK and without', { timeout: 110_000 }, async (t) => {
  const { code, stdout, stderr } = await runVerb(['bench', '--json', '--manifest', withResnet(), '--seconds', '0.05']);
  t.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  t.equal(report.machine.arch, process.arch);
  t.same(Object.keys(report.stages), ['detectWhole', 'detectAll', 'check', 'align', 'embed', 'total']);
  for (const { p50, p95 } of Object.values<{ p50: number; p95: number }>(report.stages)) t.ok(p50 > 0 && p95 >= p50);
  t.match(report.embedder, { id: 'resnet50-w025-random', plain: Number, delegate: Number, float: Number });
  t.match(report.detector, { id: 'yunet', plain: Number, delegate: Number });
  if (process.arch === 'x64') {
    // A width of 0.25 gains less than the shipped widths, and this machine is busy with other tests.
    t.ok(report.embedder.speedup > 1.3, `int8 embedder ${report.embedder.speedup.toFixed(1)} times as fast`);
    t.ok(report.detector.speedup > 2.5, `detector ${report.detector.speedup.toFixed(1)} times as fast`);
  }
});

t.test('unknown options and values are usage errors', async (t) => {
  for (const args of [['--seconds', '0'], ['--threads', 'many'], ['extra']])
    t.equal((await runVerb(['bench', ...args])).code, 64);
  t.equal((await runVerb(['bench', '--embedder', 'nobody'])).code, 78);
});
