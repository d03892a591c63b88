// The man page and the completions: made from the table of verbs, and accepted by the programs that read them.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot, packageVersion } from '../../src/base/files.js';
import { bashCompletion, manPage, zshCompletion } from '../../src/commands/manual.js';
import { type VerbDefinition, verbs } from '../../src/commands/verbs.js';

const missing = (program: string): string | false =>
  spawnSync(program, ['--version']).error === undefined ? false : `${program} is not installed`;

const options = (verb: VerbDefinition) => verb.options.filter(({ hidden }) => !hidden);

t.test('the man page has every verb, option, example and exit code', async (t) => {
  const page = manPage(packageVersion)
    .replaceAll('\\-', '-')
    .replaceAll(/\\f[BIR]/g, '');
  for (const verb of verbs as readonly VerbDefinition[]) {
    t.match(page, new RegExp(`^\\.SS ${verb.name}$`, 'm'));
    for (const { name, text } of options(verb)) t.ok(page.includes(`--${name}`) && page.includes(text), name);
    for (const [line, effect] of verb.examples) t.ok(page.includes(line) && page.includes(effect), line);
  }
  for (const code of [0, 64, 65, 69, 70, 74, 78, 130]) t.match(page, new RegExp(`^\\.TP\\n${code}\\n`, 'm'));
  t.equal(manPage(packageVersion), manPage(packageVersion), 'and nothing of today');
  for (const line of page.split('\n')) t.notMatch(line, /^['.](?!TH|SH|SS|TP|PP|br)/, line);
});

t.test('groff and man accept the man page, in 80 columns', { skip: missing('groff') }, async (t) => {
  const { stdout, stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-rLL=80n', '-P-c'], {
    input: manPage(packageVersion),
    encoding: 'utf8',
  });
  t.equal(status, 0);
  t.equal(stderr, '', 'no warning');
  const plain = stdout.replaceAll(/.\u0008/g, '');
  t.match(plain, /^NAME\n +roomkin - tells Home Assistant who is in the room$/m);
  for (const line of plain.split('\n')) t.ok([...line].length <= 80, line);
});

/** What bash offers for the words, the last of which is being typed. */
function offered(folder: string, ...words: readonly string[]): string[] {
  const list = words.map((word) => `'${word}'`).join(' ');
  const script = `. '${join(folder, 'completion')}'; COMP_WORDS=(roomkin ${list}); COMP_CWORD=${words.length}; _roomkin; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-c', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: `${folder}:/usr/bin:/bin` },
  });
  if (stderr !== '') throw new Error(stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

t.test('bash completes verbs, options, choices, files, folders and names', { skip: missing('bash') }, async (t) => {
  const folder = t.testdir({ photos: { 'a.jpg': '' }, 'b.jpg': '' });
  writeFileSync(join(folder, 'completion'), bashCompletion());
  writeFileSync(
    join(folder, 'roomkin'),
    `#!/bin/sh\necho '{"people":[{"person":"ada","name":"Ada"},{"person":"anna","name":"Anna Maria"},{"person":"ben","name":"Ben"}]}'\n`,
  );
  chmodSync(join(folder, 'roomkin'), 0o755);
  t.same(offered(folder, ''), [...verbs.map(({ name }) => name), 'help']);
  t.same(offered(folder, 'en'), ['enrol']);
  t.same(offered(folder, '--config', 'x', 'wh'), ['why']);
  t.same(offered(folder, 'help', 'fo'), ['forget']);
  t.same(offered(folder, 'why', '--'), ['--last', '--config', '--room', '--json', '--help']);
  t.same(offered(folder, 'people', '--ch'), ['--check']);
  t.same(offered(folder, 'people', '--set'), [], 'old names are not offered');
  t.same(offered(folder, 'show', 'a'), ['Ada', 'Anna\\ Maria']);
  t.same(offered(folder, 'correct', '12', '--not', 'B'), ['Ben']);
  t.same(offered(folder, 'evaluate', ''), ['pairs', 'household']);
  t.same(offered(folder, 'evaluate', 'pairs', '--degrade', ''), ['low']);
  t.same(offered(folder, 'evaluate', 'pairs', '--images', ''), ['photos']);
  t.same(offered(folder, 'detect', 'b'), ['b.jpg']);
  t.same(offered(folder, 'status', ''), []);
});

t.test('zsh accepts its completion', { skip: missing('zsh') }, async (t) => {
  const folder = t.testdir();
  writeFileSync(join(folder, '_roomkin'), zshCompletion());
  const { status, stderr } = spawnSync('zsh', ['-n', join(folder, '_roomkin')], { encoding: 'utf8' });
  t.equal(stderr, '');
  t.equal(status, 0);
});

t.test('zsh: every verb and option is there', async (t) => {
  const text = zshCompletion();
  t.match(text, /^#compdef roomkin\n/);
  for (const verb of verbs as readonly VerbDefinition[]) {
    t.match(text, new RegExp(`^ {4}'${verb.name}:`, 'm'));
    t.match(text, new RegExp(`^ {4}${verb.name}\\)$`, 'm'));
    for (const { name } of options(verb)) t.ok(text.includes(`--${name}[`), name);
  }
});

t.test('npm run build writes them to dist/share', async (t) => {
  const folder = t.testdir({
    scripts: {},
    dist: { commands: {} },
    'package.json': '{"version":"1.2.3","type":"module"}',
  });
  const copy = (from: string, to: string): void =>
    writeFileSync(join(folder, to), readFileSync(join(packageRoot, from)));
  copy('scripts/build-share.js', 'scripts/build-share.js');
  mkdirSync(join(folder, 'dist', 'commands'), { recursive: true });
  writeFileSync(
    join(folder, 'dist', 'commands', 'manual.js'),
    `export const manPage = (v) => 'man ' + v, bashCompletion = () => 'bash', zshCompletion = () => 'zsh';`,
  );
  const { stderr } = spawnSync(process.execPath, [join(folder, 'scripts', 'build-share.js')], { encoding: 'utf8' });
  t.equal(stderr, '');
  const written = (path: string): string => readFileSync(join(folder, 'dist', 'share', path), 'utf8');
  t.equal(written('man/man1/roomkin.1'), 'man 1.2.3');
  t.equal(written('bash-completion/completions/roomkin'), 'bash');
  t.equal(written('zsh/site-functions/_roomkin'), 'zsh');
});
