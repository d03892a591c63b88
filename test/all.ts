// Runs every test file in a plain Node process, several at a time (`jobs` in .taprc). tap itself starts each file, and each process
// that a test starts, with module loaders for coverage and mocks. They double the time of a short process, and no test needs them.
// `npm run test:coverage` lets tap start the files.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const folder = fileURLToPath(new URL('.', import.meta.url));
/**
 * Files that start many processes, load the models again and again, or compute for long. `npm test` leaves them out, so that it takes
 * less than three minutes; `npm run test:all` and `.ci/run` start them first, so that none of them runs alone at the end.
 */
const long = [
  'phone/enrol',
  'phone/open',
  'commands/enrol/live',
  'engine/faults',
  'engine/hang-processes',
  'mqtt/security',
  'mqtt/household',
  'mqtt/household-presence',
  'mqtt/home-assistant-bars',
  'container/prepare',
  'commands/evaluate',
  'commands/demo/slow-walk',
  'cli',
  'daemon/rooms',
  'sharing/rotation',
  'sharing/one-gallery',
  'sharing/convergence',
  'sharing/sync',
  'bars/recall',
  'bars/strangers',
  'bars/schedule',
  'bars/acknowledgement',
  'base/child-guard',
  'camera/photo',
  'camera/process',
  'camera/http-camera',
  'commands/enrol',
  'commands/enrol-folders',
  'commands/enrol/live-faults',
  'commands/check',
  'commands/check-rights',
  'commands/setup',
  'commands/gallery-verbs',
  'commands/retire',
  'commands/daemon-engine',
  'commands/enrol-sideways',
  'commands/identify-turned',
  'camera/sideways-camera',
  'commands/terminal',
  'commands/plain-user',
  'commands/interrupt',
  'reports/replay',
  'readme',
  'commands/look',
  'commands/bench',
  'engine/golden',
  'journal/writing',
  'store/processes',
  'store/damage',
  'store/static-faces',
  'recognition/static-faces',
  'recognition/static-invariants',
].map((name) => `${name}.test.js`);
/** `npm run test:faults` runs the rest of this folder. */
const isLeftToFaults = (name: string): boolean => name.startsWith('faults/') && name !== 'faults/table.test.js';
const isWhole = process.env['ROOMKIN_TESTS'] === 'all';

/** For one file. */
const timeoutSeconds = 300;

const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.js'));
const quick = found.filter((name) => !long.includes(name) && !isLeftToFaults(name)).sort();
// The daemon starts first: it takes longest.
const first = ['daemon.test.js', 'faults/table.test.js'];
const files = [...(isWhole ? long : []), ...first, ...quick.filter((name) => !first.includes(name))];
if (!isWhole) process.stderr.write(`${long.length} long files are left to npm run test:all\n`);
const { NODE_OPTIONS: _loaders, ...inherited } = process.env;
const env = { ...inherited, TAP_TIMEOUT: String(timeoutSeconds) };

t.jobs = Number(process.env['TAP_JOBS'] ?? 2);
t.setTimeout(0);
let finished = 0;
for (const name of files) {
  const file = relative(process.cwd(), join(folder, name));
  const options = { buffered: true, timeout: timeoutSeconds * 1000, env };
  void t.spawn(process.execPath, ['--enable-source-maps', file], options, name).then((results) => {
    finished++;
    // The reporter of tap counts assertions only: for it all files are one.
    process.stderr.write(
      `${finished} of ${files.length} files: ${name} ${results?.ok === false ? 'FAILED' : 'passed'}\n`,
    );
  });
}
