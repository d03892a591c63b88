// What the process of the models holds in memory: no library that it does not need, and no copy of a model's file.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { childPath } from '../../src/engine/child-process.js';
import { readManifest } from '../../src/engine/manifest.js';
import { modelPath } from '../../src/engine/model-file.js';
import { createEngine } from '../../src/engine/supervisor.js';

t.test('the process of the models loads nothing but what runs them', async (t) => {
  const coverage = mkdtempSync(join(tmpdir(), 'roomkin-scripts-'));
  // Without the loaders that tap gives to every Node process that a test starts.
  const words = ['--unset=NODE_OPTIONS', process.execPath, '-e', `import(${JSON.stringify(childPath)})`];
  const { status } = spawnSync('env', words, { env: { ...process.env, NODE_V8_COVERAGE: coverage } });
  t.equal(status, 0);
  const urls: string[] = readdirSync(coverage)
    .flatMap((name) => JSON.parse(readFileSync(join(coverage, name), 'utf8')).result)
    .map(({ url }: { url: string }) => url)
    .filter((url: string) => url.startsWith('file:'));
  t.ok(urls.some((url) => url.endsWith('engine/child.js')));
  t.same(
    urls.filter((url) => url.includes('/node_modules/')),
    [],
  );
});

/** The mappings of a file in a process: their size and what of them is in memory, KiB. */
function mappingsOf(pid: number, path: string): { readonly size: number; readonly resident: number } {
  const parts = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const own = parts.filter((part) => part.split('\n', 1)[0]!.endsWith(path));
  const sum = (key: string): number =>
    own.reduce((total, part) => total + Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(part)![1]), 0);
  return { size: sum('Size'), resident: sum('Rss') };
}

t.test('models are mapped from their files, and leave memory when XNNPACK has packed the weights', async (t) => {
  await using engine = createEngine({ threads: 1 });
  const { embedder, delegate } = await engine.start();
  if (delegate !== 'xnnpack') return void t.comment('skipped: XNNPACK does not run here');
  const manifest = readManifest();
  const path = modelPath(manifest, manifest.embedders.find(({ id }) => id === embedder)!);
  const { size, resident } = mappingsOf(engine.pid!, path);
  t.ok(size > 20_000, `${size} KiB are mapped`);
  t.ok(resident < size / 10, `${resident} KiB of them are in memory`);
  const environment = readFileSync(`/proc/${engine.pid}/environ`, 'utf8').split('\0');
  t.ok(environment.includes('MALLOC_ARENA_MAX=1'));
});
