import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { machineName, memoryOf, summary } from '../../src/commands/bench/machine.js';
import { startControl } from '../../src/control/server.js';
import { defaultManifestPath } from '../../src/engine/manifest.js';
import { runVerb } from '../helpers/cli.js';
import { idleHandlers, idleStatus } from '../helpers/control-handlers.js';
import { shortFolder } from '../helpers/short-folder.js';

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

t.test('figures for every stage, with XNNPACK and without', { timeout: 280_000 }, async (t) => {
  const { code, stdout, stderr } = await runVerb(['bench', '--json', '--manifest', withResnet(), '--seconds', '0.05']);
  t.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  t.equal(report.machine.arch, process.arch);
  const stages = 'decode luma detectWhole detectAll check align embed match total publish'.split(' ');
  t.same(Object.keys(report.stages), stages);
  for (const { p50, p95, cpu, cold } of Object.values<Record<string, number>>(report.stages))
    t.ok(p50! > 0 && p95! >= p50! && cpu! >= 0 && cold! > 0);
  t.same(
    report.frames.map(({ faces }: { faces: number }) => faces),
    [0, 1, 3, 12],
  );
  for (const { faces, found, framesPerSecond, cpu } of report.frames) {
    t.equal(found, faces, `${faces} drawn faces are found`);
    t.ok(framesPerSecond > 0 && cpu > 0);
  }
  t.ok(report.engine.memoryMiB > 30 && report.engine.loadedMs > 0);
  t.match(report.summary, /^\d+\.\d+\.\d+ .+, tflite\+xnnpack, fps [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+, \d+ ms, \d+ MB$/);
  t.ok(report.summary.length <= 79);
  t.equal(report.daemon, null);
  t.match(report.embedder, { id: 'resnet50-w025-random', plain: Number, delegate: Number, float: Number });
  t.match(report.detector, { id: 'yunet', plain: Number, delegate: Number });
  if (process.arch === 'x64') {
    // A width of 0.25 gains less than the shipped widths, and this machine is busy with other tests.
    t.ok(report.embedder.speedup > 1.3, `int8 embedder ${report.embedder.speedup.toFixed(1)} times as fast`);
    t.ok(report.detector.speedup > 2.5, `detector ${report.detector.speedup.toFixed(1)} times as fast`);
  }
});

t.test('the text fits into 80 columns, and a running daemon is named', { timeout: 280_000 }, async (t) => {
  const folder = shortFolder(t);
  const [config, path] = [join(folder, 'config.toml'), join(folder, 'lab.sock')];
  writeFileSync(config, `[room]\nid = "lab"\n[store]\ndirectory = "${folder}"\n`);
  const status = () => ({ ...idleStatus, room: 'lab' });
  await using _control = await startControl({
    place: { listen: path, connect: [path] },
    log: silentLog,
    handlers: { ...idleHandlers, status },
  });
  const { code, stdout, stderr } = await runVerb(['bench', '--seconds', '0.05', '--config', config]);
  t.equal(code, 0, stderr);
  t.match(stdout.replaceAll(/\s+/g, ' '), /The daemon of the room lab runs here: its work disturbs the figures/);
  const lines = stdout.trimEnd().split('\n');
  for (const line of lines) t.ok(line.length <= 80, line);
  t.match(stdout, /^stage +first +median +95 % +CPU$/m);
  t.match(stdout, /^with 12 faces +[\d.]+/m);
  t.match(lines.at(-1), /, fps /);
});

t.test('a machine is named without the words that all share, in a line that fits', async (t) => {
  t.equal(machineName('Raspberry Pi 4 Model B Rev 1.5', ''), 'Pi 4 Model B');
  t.equal(machineName(null, 'AMD EPYC 7763 64-Core Processor'), 'AMD EPYC 7763');
  t.equal(machineName(null, 'Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz'), 'Intel Core i5-8250U');
  const line = summary({
    version: '10.20.30',
    machine: 'A board with a very long name indeed',
    delegate: 'none',
    framesPerSecond: [123, 45.6, 7.89, 0.123],
    frameMs: 12_345.6,
    engineMiB: 123.4,
  });
  t.equal(line, '10.20.30 A board with a very lo, tflite, fps 123/46/7.9/0.1, 12346 ms, 123 MB');
  t.ok(memoryOf('self')! > 10);
  t.equal(memoryOf(2 ** 22 + 1), null);
});

t.test('unknown options and values are usage errors', async (t) => {
  for (const args of [['--seconds', '0'], ['--threads', 'many'], ['extra']])
    t.equal((await runVerb(['bench', ...args])).code, 64);
  t.equal((await runVerb(['bench', '--embedder', 'nobody'])).code, 78);
});
