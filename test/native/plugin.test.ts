// The build of the native parts, and how a plug-in that does not work is handled.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import type { EngineInfo } from '../../src/engine/engine.js';
import { delegatePluginPath } from '../../src/engine/runtime.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { Frame } from '../../src/vision/picture.js';
import { madePicture } from '../vision/made-picture.js';

const script = join(packageRoot, 'scripts', 'build-native.js');
/** What the engine says when it has started with the plug-in at `pluginPath` and has analysed a picture. */
async function startWith(pluginPath: string): Promise<EngineInfo> {
  await using engine = createEngine({ embedder: 'mobilefacenet', threads: 1, pluginPath });
  const info = await engine.start();
  const picture: Frame = { ...madePicture('noise', 64, 48), capturedAt: 0, sequence: 0 };
  await engine.analyze(picture, { search: 'whole' });
  return info;
}

t.test('without a working compiler the install continues, with a line for each part that says why', async (t) => {
  const before = statSync(delegatePluginPath).mtimeMs;
  for (const [compiler, expected] of [
    ['no-such-compiler', 'install gcc'],
    ['/bin/false', 'failed'],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [script], {
      env: { ...process.env, CC: compiler },
      encoding: 'utf8',
    });
    t.equal(status, 0);
    const parts = ['the XNNPACK plug-in', 'the guard of child processes', 'the addon for frames'];
    const lines = parts.map((part) => `${part} was not built`);
    t.match(stderr, new RegExp(`^${lines.map((line) => `roomkin: ${line}.*${expected}.*\n`).join('')}$`));
  }
  t.equal(statSync(delegatePluginPath).mtimeMs, before, 'a plug-in that was built earlier stays');
});

t.test('the plug-in finds its library relative to its own folder, not to the build folder', async (t) => {
  const text = readFileSync(delegatePluginPath).toString('latin1');
  t.match(text, /\$ORIGIN\/\.\.\/\.\.\/node_modules\/tfjs-tflite-node\/cc_deps\/linux_(amd64|arm64)/);
  t.notOk(text.includes(`${packageRoot}/node_modules`));
});

t.test('a plug-in that works is used', async (t) => {
  t.match(await startWith(delegatePluginPath), { delegate: 'xnnpack', delegateReason: null });
});

/** A plug-in whose delegate cannot start, as XNNPACK's if /proc and /sys cannot be read. */
function brokenPlugin(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-plugin-'));
  const [source, library] = [join(folder, 'broken.c'), join(folder, 'broken.so')];
  const create = 'void *tflite_plugin_create_delegate(char **k, char **v, unsigned long n, void (*r)(const char *))';
  writeFileSync(
    source,
    `${create} { (void)k, (void)v, (void)n, (void)r; return 0; }\nvoid tflite_plugin_destroy_delegate(void *d) { (void)d; }\n`,
  );
  spawnSync('cc', ['-shared', '-fPIC', '-o', library, source]);
  return existsSync(library) ? library : null;
}

t.test('a plug-in that cannot start kills the first child, and the next one does without', async (t) => {
  const broken = brokenPlugin();
  if (broken === null) return void t.comment('skipped: no C compiler here');
  t.match(await startWith(broken), { delegate: 'none', delegateReason: /did not start.*SIGSEGV/ });
});

t.test('no plug-in, or one that is no library, is a reason to run without', async (t) => {
  t.match(await startWith('/no/such/plugin.so'), { delegate: 'none', delegateReason: /not built/ });
  const text = join(mkdtempSync(join(tmpdir(), 'roomkin-plugin-')), 'text.so');
  writeFileSync(text, 'not a library');
  t.match(await startWith(text), { delegate: 'none', delegateReason: /did not start/ });
});
