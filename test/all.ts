// Runs every test file in a plain Node process, several at a time (`jobs` in .taprc). tap itself starts each file, and each process
// that a test starts, with module loaders for coverage and mocks. They double the time of a short process, and no test needs them.
// `npm run test:coverage` lets tap start the files.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const folder = fileURLToPath(new URL('.', import.meta.url));
/** These start first, so that none of them runs alone at the end. */
const longest = [
  'commands/enrol/live',
  'engine/faults',
  'daemon',
  'engine/hang-processes',
  'faults/frames',
  'faults/table',
  'faults/disk',
  'faults/signals',
  'mqtt/household',
  'sharing/one-gallery',
].map((name) => `${name}.test.js`);

/** For one file. */
const timeoutSeconds = 300;

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.js'));
const others = files.filter((name) => !longest.includes(name)).sort();
const { NODE_OPTIONS: _loaders, ...inherited } = process.env;
const env = { ...inherited, TAP_TIMEOUT: String(timeoutSeconds) };

t.jobs = Number(process.env['TAP_JOBS'] ?? 2);
t.setTimeout(0);
let finished = 0;
for (const name of [...longest, ...others]) {
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
