// The build of the XNNPACK plug-in, and how a plug-in that does not work is handled.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { childPath } from '../../src/engine/child-process.js';
import { probeDelegate } from '../../src/engine/delegate-probe.js';
import { defaultManifestPath } from '../../src/engine/manifest.js';
import { delegatePluginPath } from '../../src/engine/runtime.js';
import { defaultSearch } from '../../src/vision/search.js';

const script = join(packageRoot, 'scripts', 'build-native.js');
const options = {
  manifestPath: defaultManifestPath,
  embedder: 'mobilefacenet',
  threads: 1,
  search: defaultSearch,
  minEyesPx: 12,
};

t.test('without a working compiler the install continues, with one line that expected why', async (t) => {
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
    t.match(stderr, new RegExp(`^roomkin: the XNNPACK plug-in was not built.*${expected}.*\n$`));
  }
  t.equal(statSync(delegatePluginPath).mtimeMs, before, 'a plug-in that was built earlier stays');
});

t.test('the plug-in finds its library relative to its own folder, not to the build folder', async (t) => {
  const text = readFileSync(delegatePluginPath).toString('latin1');
  t.match(text, /\$ORIGIN\/\.\.\/\.\.\/node_modules\/tfjs-tflite-node\/cc_deps\/linux_(amd64|arm64)/);
  t.notOk(text.includes(`${packageRoot}/node_modules`));
});

t.test('the probe accepts a plug-in that works', async (t) => {
  t.same(await probeDelegate(options, silentLog), { path: delegatePluginPath, reason: null });
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

t.test('a plug-in that cannot start ends only the probe', async (t) => {
  const broken = brokenPlugin();
  if (broken === null) return void t.comment('skipped: no C compiler here');
  const result = await probeDelegate(options, silentLog, childPath, broken);
  t.match(result, { path: null, reason: /did not start.*SIGSEGV/ });
});

t.test('a missing plug-in, or a file that is no library, is a reason to run without one', async (t) => {
  t.match(await probeDelegate(options, silentLog, childPath, '/no/such/plugin.so'), {
    path: null,
    reason: /not built/,
  });
  const text = join(mkdtempSync(join(tmpdir(), 'roomkin-plugin-')), 'text.so');
  writeFileSync(text, 'not a library');
  t.match(await probeDelegate(options, silentLog, childPath, text), { path: null, reason: /did not start/ });
});
