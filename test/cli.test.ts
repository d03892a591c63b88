// The command line as a process: exit codes, one line per error, results separate from all other output.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageVersion } from '../src/base/files.js';
import { runCli } from './helpers/cli.js';
import { shortFolder } from './helpers/short-folder.js';

t.test('help lists every verb within 80 columns', async (t) => {
  const { code, stdout } = await runCli(['help']);
  t.equal(code, 0);
  for (const verb of ['run', 'demo', 'enrol', 'identify', 'why', 'check', 'evaluate', 'bench']) {
    t.match(stdout, new RegExp(`^  ${verb} +[A-Z]`, 'm'));
  }
  t.strictSame(
    stdout.split('\n').filter((line) => line.length > 80),
    [],
  );
});

t.test('help of a verb and the version are printed', async (t) => {
  t.match((await runCli(['help', 'forget'])).stdout, /^Usage: roomkin forget NAME/);
  t.match((await runCli(['forget', '--help'])).stdout, /^Usage: roomkin forget NAME/);
  t.equal((await runCli(['--version'])).stdout, `${packageVersion}\n`);
});

t.test('misuse exits with 64 and one line that says what to do', async (t) => {
  for (const [args, pattern] of [
    [['enroll'], /^roomkin: USAGE: there is no verb enroll: did you mean enrol\?\n$/],
    [['frobnicate'], /^roomkin: USAGE: there is no verb frobnicate: see roomkin help\n$/],
    [['constructor'], /^roomkin: USAGE: there is no verb constructor/],
    [['people', '--config'], /^roomkin: USAGE: --config needs a file\n$/],
    [['run', 'now'], /^roomkin: USAGE: .*\n$/],
  ] as const) {
    const { code, stdout, stderr } = await runCli(args);
    t.equal(code, 64, args.join(' '));
    t.match(stderr, pattern);
    t.equal(stdout, '');
  }
});

t.test('a missing configuration exits with 78', async (t) => {
  const { code, stderr } = await runCli(['people', '--config', '/nonexistent.toml']);
  t.equal(code, 78);
  t.match(stderr, /^roomkin: CONFIG_MISSING: cannot read \/nonexistent\.toml \(ENOENT\): .*\n$/);
});

t.test(
  'a verb that needs no room runs without a configuration, but not with a named configuration that is missing',
  async (t) => {
    const folder = shortFolder(t);
    const text = join(folder, 'text.jpg');
    writeFileSync(text, 'not a picture');
    t.equal((await runCli(['detect', text], { ROOMKIN_CONFIG: '/nonexistent.toml' })).code, 78);
    t.equal((await runCli(['detect', text, '--config', '/nonexistent.toml'])).code, 78);
    const result = await runCli(['detect', text]);
    t.ok(result.code === 65 || result.stderr.includes('/etc/roomkin'), 'without a configuration');
  },
);

t.test('--json puts one document on stdout and nothing else', async (t) => {
  const folder = shortFolder(t);
  const config = join(folder, 'config.toml');
  writeFileSync(config, `[room]\nid = "lab"\n[store]\ndirectory = "${folder}/s"\n`);
  const { code, stdout } = await runCli(['people', '--json'], { ROOMKIN_CONFIG: config });
  t.equal(code, 0);
  t.doesNotThrow(() => JSON.parse(stdout));
});
