// What a verb prints never controls the terminal: names of files, folders and people are shown with their invisible characters as
// codes. The tables hold every verb that repeats words of the user.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { createLog } from '../../src/base/log.js';
import { createIo } from '../../src/commands/io.js';
import { type CliResult, runVerb } from '../helpers/cli.js';
import { at, roomkin, sample, writeConfig } from './place.js';

t.setTimeout(180_000);

/** Clears the screen (7-bit and 8-bit), reverses the writing direction, isolates it, and hides characters. */
const hostile = 'x\u001b[2J\u009b2J\u202e\u202a\u2066\u2069\u200b\u200e\u061c\ufeff\u00ady';
/** Everything that a terminal obeys or hides, except the line ends of the program itself. */
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

const place = at(hostile);
const photo = join(place, `${hostile}.jpg`);
const broken = join(place, `${hostile}-broken.jpg`);
const classes = at('classes');
const absent = join(place, `${hostile}-absent`);
const passphrase = join(place, `${hostile}.txt`);
mkdirSync(join(classes, hostile), { recursive: true });
mkdirSync(join(place, 'empty'), { recursive: true });
writeFileSync(broken, 'no picture');
writeFileSync(passphrase, 'correct horse battery staple\n');
const cut = await sharp(sample(5))
  .extract({ left: 180, top: 740, width: 560, height: 560 })
  .resize(280)
  .jpeg()
  .toBuffer();
writeFileSync(photo, cut);
writeFileSync(join(classes, hostile, 'a.jpg'), cut);
const hostileStore = writeConfig('hostile-store.toml', join(place, 'store').replace(/[^ -~]/g, ''));
const badConfig = join(place, `${hostile}.toml`);
writeFileSync(
  badConfig,
  `[room]\nid = "office"\n[mqtt]\nurl = "mqtt://localhost"\n"${hostile.replace(/[\u0000-\u001f]/g, '')}" = 1\n`,
);

const verbs: readonly (readonly [what: string, args: readonly string[]])[] = [
  ['enrol', ['enrol', 'Ada', '--photos', photo]],
  ['enrol, a bad photo skipped', ['enrol', 'Ada', '--photos', photo, broken, '--skip-bad']],
  ['enrol, a bad photo', ['enrol', 'Ada', '--photos', broken]],
  ['enrol, a folder', ['enrol', 'Ada', '--photos', place]],
  ['enrol, an empty folder', ['enrol', 'Ada', '--photos', join(place, 'empty')]],
  ['enrol, no such file', ['enrol', 'Ada', '--photos', absent]],
  ['enrol, the name', ['enrol', hostile, '--photos', photo]],
  ['enrol, two names', ['enrol', 'Ada', hostile, '--live']],
  ['enrol, the photo as the name', ['enrol', photo, '--photos', photo]],
  ['enrol, folders of people', ['enrol', '--from', classes]],
  ['enrol, no such folder', ['enrol', '--from', absent]],
  ['detect', ['detect', photo]],
  ['detect, a bad photo', ['detect', photo, broken]],
  ['identify', ['identify', photo]],
  ['identify, a bad photo', ['identify', broken]],
  ['people', ['people']],
  ['people, a word', ['people', hostile]],
  ['people, a number', ['people', '--disable', hostile]],
  ['show', ['show', 'Ada']],
  ['show, the name', ['show', hostile]],
  ['rename', ['rename', 'Ada', hostile]],
  ['rename, the name', ['rename', hostile, 'Bob']],
  ['forget', ['forget', hostile, '--yes']],
  ['export', ['export', join(place, `${hostile}.roomkin`), '--passphrase-file', passphrase]],
  ['export, it exists', ['export', photo, '--passphrase-file', passphrase]],
  ['export, no folder', ['export', join(absent, 'a'), '--passphrase-file', passphrase]],
  ['export, no passphrase', ['export', absent, '--passphrase-file', absent]],
  ['import', ['import', photo, '--passphrase-file', passphrase]],
  ['import, no such file', ['import', absent, '--passphrase-file', passphrase]],
  ['household', ['household', '--join', '--from', absent]],
  ['correct', ['correct', '1', '--is', hostile]],
  ['why', ['why', '--last', hostile]],
  ['calibrate', ['calibrate', hostile]],
  ['replay', ['replay', '--since', hostile]],
  ['evaluate', ['evaluate', 'pairs', '--pairs', absent, '--images', place]],
  ['evaluate, a folder', ['evaluate', 'household', '--images', place]],
  ['bench', ['bench', '--manifest', absent]],
  ['demo', ['demo', hostile]],
  ['run', ['run', hostile]],
  ['status', ['status', hostile]],
  ['watch', ['watch', hostile]],
  ['pause', ['pause', hostile]],
  ['check', ['check', hostile]],
  ['help', ['help', hostile]],
  ['a verb', [hostile]],
  ['an option', ['people', `--${hostile}`]],
];

const shown = ({ stdout, stderr }: CliResult): string => stdout + stderr;

t.test('no verb prints what a terminal obeys', async (t) => {
  for (const [what, args] of verbs) {
    const result = await roomkin(...args);
    t.ok(shown(result).length > 0, `${what}: prints something`);
    t.same(shown(result).match(obeyed), null, what);
  }
  for (const args of [
    ['people', '--config', absent],
    ['people', '--config', badConfig],
    ['people', '--config', hostileStore],
  ]) {
    const result = await runVerb(args);
    t.same(shown(result).match(obeyed), null, args.join(' ').slice(-9));
  }
});

t.test('with --json the document holds the real words, as escapes', async (t) => {
  for (const [what, args] of verbs) {
    const { stdout, stderr } = await roomkin(...args, '--json');
    t.same(`${stdout}${stderr}`.match(obeyed), null, what);
    if (stdout !== '' && what !== 'help') t.doesNotThrow(() => JSON.parse(stdout), what);
  }
  const { files } = JSON.parse((await roomkin('detect', photo, '--json')).stdout);
  t.equal(files[0].file, photo);
});

t.test('every way to print escapes: results, documents, progress, meters and the log', async (t) => {
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    const stream = { isTTY, columns: 200, write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
    const { signal } = new AbortController();
    const common = { configPath: null, signal, stdout: stream, stderr: stream, onDocument: () => {} };
    const io = createIo({ ...common, json: false });
    io.out(hostile);
    io.progress(hostile);
    io.meter([hostile, `${hostile}\n${hostile}`]);
    io.log('warning', hostile, { file: hostile, [hostile]: 1 });
    createIo({ ...common, json: true }).document({ [hostile]: hostile });
    createLog('info', stream)('info', hostile);
    const own = /\u001b\[1A|\r\u001b\[J/g; // how progress is overwritten
    t.same(written.join('').replace(own, '').match(obeyed), null);
    t.ok(written.filter((text) => text.includes('\\u202e')).length >= 5);
  }
});

t.test('names keep the joiners that their scripts need, and emoji theirs', async (t) => {
  const written: string[] = [];
  const stream = { write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
  const { signal } = new AbortController();
  const io = createIo({ configPath: null, signal, stdout: stream, stderr: stream, onDocument: () => {}, json: false });
  const names = ['مریم\u200cالسادات', 'क्\u200dषितिज', '👩\u200d🚀', 'Zoë', '小林', 'Юлия'];
  for (const name of names) io.out(name);
  t.same(
    written,
    names.map((name) => `${name}\n`),
  );
  io.out('A\u200cda\u200d');
  t.equal(written.at(-1), 'A\\u200cda\\u200d\n');
});

t.test('only the files that escape write to the terminal', async (t) => {
  const source = join(import.meta.dirname, '..', '..', '..', 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const writers = files.filter((file) =>
    /\bstd(out|err)\.write\(|\bconsole\.|process\.emitWarning/.test(readFileSync(join(source, file), 'utf8')),
  );
  t.same(writers.sort(), [
    'cli.ts',
    'commands/io.ts',
    'commands/program.ts',
    'commands/prompts.ts',
    'container/prepare.ts',
  ]);
});
