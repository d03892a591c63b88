// The command line: exit codes, one line per error, results separate from everything else. One case of each kind runs as a process.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot, packageVersion } from '../src/base/files.js';
import { exitCodeTexts, type OptionDefinition, type VerbDefinition, verbs } from '../src/commands/verbs.js';
import { maxObservations } from '../src/control/protocol.js';
import { runBareCli, runCli, runVerb, spawnCli } from './helpers/cli.js';
import { shortFolder } from './helpers/short-folder.js';

t.setTimeout(180_000);

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
  t.match((await runVerb(['help', 'forget'])).stdout, /^Usage: roomkin forget NAME/);
  t.match((await runVerb(['forget', '--help'])).stdout, /^Usage: roomkin forget NAME/);
  t.equal((await runCli(['--version'])).stdout, `${packageVersion}\n`);
  t.match((await runVerb(['--help'])).stdout, /^Usage: roomkin VERB/);
  t.match((await runVerb(['--help', 'forget'])).stdout, /^Usage: roomkin forget NAME/);
  t.match(await runVerb([]), { code: 0, stdout: /^Usage: roomkin VERB/ });
});

t.test('help of each verb: every option explained, two examples, exit codes, 80 columns', async (t) => {
  const output = await Promise.all(verbs.map(async ({ name }) => runVerb(['help', name])));
  for (const [index, definition] of (verbs as readonly VerbDefinition[]).entries()) {
    const { code, stdout } = output[index]!;
    const lines = stdout.split('\n');
    t.equal(code, 0);
    t.strictSame(
      lines.filter((line) => line.length > 80),
      [],
    );
    const shows = (text: string): void => {
      t.ok(
        lines.some((line) => line.trim().replace(/ +/g, ' ').startsWith(text)),
        `${definition.name}: ${text}`,
      );
    };
    const label = ({ name, value, many }: OptionDefinition): string =>
      `--${name}${value === undefined ? '' : ` ${value}${many ? '...' : ''}`}`;
    for (const option of definition.options.filter(({ hidden }) => !hidden))
      shows(`${label(option)} ${option.text.split(' ', 2).join(' ')}`);
    for (const common of ['--config FILE', '--json', '-h, --help']) shows(common);
    t.ok(definition.examples.length >= 2, 'two examples');
    for (const [line, effect] of definition.examples) {
      shows(line);
      shows(effect);
      t.match(line, new RegExp(`(^|\\| ssh pi )(sudo )?roomkin ${definition.name}\\b`));
    }
    for (const exitCode of [0, 64, ...definition.exitCodes] as const) shows(`${exitCode} ${exitCodeTexts[exitCode]}`);
  }
});

t.test('why asks for at most as many observations as the daemon returns', async (t) => {
  const { options } = verbs.find(({ name }) => name === 'why')! as VerbDefinition;
  t.match(options[0], { name: 'last', type: { kind: 'integer', max: maxObservations } });
});

t.test('misuse exits with 64 and one line that says what to do', async (t) => {
  for (const [args, pattern] of [
    [['enroll'], /^roomkin: USAGE: there is no verb enroll: did you mean enrol\?\n$/],
    [['frobnicate'], /^roomkin: USAGE: there is no verb frobnicate: see roomkin help\n$/],
    [['constructor'], /^roomkin: USAGE: there is no verb constructor/],
    [['people', '--config'], /^roomkin: USAGE: --config needs a file\n$/],
    [['run', 'now'], /^roomkin: USAGE: now is not expected here; usage: roomkin run\n$/],
    [['help', 'enroll'], /^roomkin: USAGE: there is no verb enroll: did you mean enrol\?\n$/],
    [['enroll', '--help'], /^roomkin: USAGE: there is no verb enroll: did you mean enrol\?\n$/],
    [['--jsn', 'people'], /^roomkin: USAGE: unknown option '--jsn': did you mean --json\?\n$/],
    [['forget', 'Ada', '--yse'], /^roomkin: USAGE: unknown option '--yse': did you mean --yes\?\n$/],
    [['show'], /^roomkin: USAGE: NAME is missing; usage: roomkin show NAME\n$/],
    [['show', 'Ada', 'Lovelace'], /^roomkin: USAGE: Lovelace is not expected here: .*quotes; usage: .*\n$/],
    [['why', '--last'], /^roomkin: USAGE: --last needs a number; usage: .*\n$/],
    [
      ['why', '--last', '0'],
      /^roomkin: USAGE: --last must be a whole number from 1 to 200 observations, not 0; usage: .*\n$/,
    ],
    [['why', '--last=-5'], /^roomkin: USAGE: --last must be a whole number .*, not -5; usage: .*\n$/],
    [
      ['bench', '--seconds', '90'],
      /^roomkin: USAGE: --seconds must be a number from 0\.05 to 60 seconds, not 90; .*\n$/,
    ],
    [['show', 'a\nb', 'c\nd'], /^roomkin: USAGE: c\\u000ad is not expected here.*\n$/],
  ] as const) {
    const { code, stdout, stderr } = await runVerb(args);
    t.equal(code, 64, args.join(' '));
    t.match(stderr, pattern);
    t.equal(stdout, '');
  }
  t.match(await runCli(['enroll']), {
    code: 64,
    stdout: '',
    stderr: /^roomkin: USAGE: there is no verb enroll: .*\n$/,
  });
});

t.test('a missing configuration exits with 78', async (t) => {
  const { code, stderr } = await runCli(['people', '--config', '/nonexistent.toml']);
  t.equal(code, 78);
  t.match(stderr, /^roomkin: CONFIG_MISSING: cannot read \/nonexistent\.toml \(ENOENT\): .*\n$/m);
});

t.test('a verb that needs no room runs without a configuration, but not if the named one does not exist', async (t) => {
  const folder = shortFolder(t);
  const text = join(folder, 'text.jpg');
  writeFileSync(text, 'not a picture');
  t.equal((await runCli(['detect', text], { ROOMKIN_CONFIG: '/nonexistent.toml' })).code, 78);
  t.equal((await runVerb(['detect', text, '--config', '/nonexistent.toml'])).code, 78);
  const shipped = await runCli(['detect', text]);
  t.ok(shipped.code === 65 || shipped.stderr.includes('/etc/roomkin'), 'as shipped');
});

t.test('--json puts one document on stdout and nothing else', async (t) => {
  const folder = shortFolder(t);
  const config = join(folder, 'config.toml');
  writeFileSync(config, `[room]\nid = "lab"\n[store]\ndirectory = "${folder}/s"\n`);
  const { code, stdout } = await runCli(['people', '--json'], { ROOMKIN_CONFIG: config });
  t.equal(code, 0);
  t.doesNotThrow(() => JSON.parse(stdout));
});

t.test('with --json an error is the document, and also a line on stderr', async (t) => {
  for (const args of [
    ['why', '--last', 'x', '--json'],
    ['--json', 'why', '--last', 'x'],
    ['frobnicate', '--json'],
  ]) {
    const { code, stdout, stderr } = await runVerb(args);
    const { error } = JSON.parse(stdout);
    t.equal(code, 64);
    t.match(error, { code: 'USAGE', exitCode: 64 });
    t.equal(stderr, `roomkin: USAGE: ${error.message}\n`);
  }
});

t.test('common options come before or after the verb, and -- ends the options', async (t) => {
  const folder = shortFolder(t);
  const config = join(folder, 'config.toml');
  writeFileSync(config, `[room]\nid = "lab"\n[store]\ndirectory = "${folder}/s"\n`);
  for (const args of [
    ['--config', config, '--json', 'people'],
    [`--config=${config}`, 'people', '--json'],
    ['--config', '/nonexistent.toml', 'people', '--config', config, '--json'],
  ])
    t.match(JSON.parse((await runVerb(args)).stdout), { people: [] }, args.join(' '));
  for (const name of ['--json', '-x', '-5']) {
    const { code, stdout, stderr } = await runVerb(['show', '--config', config, '--', name]);
    t.match({ code, stdout, stderr }, { code: 65, stdout: '', stderr: `PERSON_UNKNOWN: nobody is called ${name}` });
  }
  t.match((await runVerb(['show', '-5', '--config', config])).stderr, /PERSON_UNKNOWN: nobody is called -5/);
});

/** The files of modules that `roomkin ...args` and its child processes load, from V8's list of scripts, which has ES modules too. */
async function loadedBy(folder: string, args: readonly string[]): Promise<readonly string[]> {
  const coverage = mkdtempSync(join(folder, 'scripts-'));
  await runBareCli(args, { NODE_V8_COVERAGE: coverage });
  const processes = readdirSync(coverage).map((name) => JSON.parse(readFileSync(join(coverage, name), 'utf8')));
  const urls: string[] = processes.flatMap(({ result }) => result.map(({ url }: { url: string }) => url));
  return urls.filter((url) => url.startsWith('file:'));
}

t.test('help and version load little, and no verb more than it needs', async (t) => {
  const folder = shortFolder(t);
  const config = join(folder, 'config.toml');
  writeFileSync(config, `[room]\nid = "lab"\n[store]\ndirectory = "${folder}/s"\n`);
  const heavy = /tflite|tensorflow|mediapipe|engine\/supervisor|node_modules\/(sharp|mqtt|aedes)\//;
  for (const args of [['--help'], ['--version'], ['help', 'enrol'], ['enrol', '--nonsense']]) {
    const loaded = await loadedBy(folder, args);
    t.match(loaded.join('\n'), /commander/, 'the list shows the loaded modules');
    t.notMatch(loaded.join('\n'), /node_modules\/(zod|better-sqlite3|libheif|uqr)/, args.join(' '));
    t.notMatch(loaded.join('\n'), heavy, args.join(' '));
    t.ok(loaded.length <= 30, `${args.join(' ')}: ${loaded.length} modules`);
  }
  t.notMatch((await loadedBy(folder, ['status', '--config', config])).join('\n'), heavy);
  // The command line is wrong: no model is loaded, and no library that decodes photos.
  const missing = join(folder, 'missing.jpg');
  for (const args of [
    ['enrol', 'Ada', '--photos', missing],
    ['identify', missing],
    ['show', 'Nobody'],
    ['forget', 'Nobody'],
  ])
    t.notMatch((await loadedBy(folder, [...args, '--config', config])).join('\n'), heavy, args.join(' '));
  t.match(
    (await loadedBy(folder, ['detect', missing])).join('\n'),
    /engine\/supervisor/,
    'a verb that loads the models',
  );
});

t.test('Ctrl-C ends a verb that waits for the engine with 130 and without a message', async (t) => {
  const photos = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo');
  const child = spawnCli(['detect', photos, '--json'], { ROOMKIN_CONFIG: undefined });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  child.stderr?.on('data', (text) => {
    stderr += text;
    if (String(text).includes('photo 1 of')) child.kill('SIGINT');
  });
  t.equal(await new Promise((resolve) => child.once('close', resolve)), 130);
  t.equal(stdout, '');
  t.notMatch(stderr, /^roomkin:/m);
});
