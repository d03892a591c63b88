// Runs `npm run test:all` and prints the coverage of each folder of src/: statements (V8 counts lines) and branches. Files that no test
// loads count as 0 %. Arguments are those of tap; with a test file only that one runs. The exit status is tap's.
//
//   npm run test:coverage [-- TAP ARGUMENTS]
//
// V8 itself counts, in every process that a test starts; a process that is killed with SIGKILL writes nothing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Report } from 'c8';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const counters = mkdtempSync(join(tmpdir(), 'coverage-'));
const args = process.argv.slice(2);
const isPart = args.some((arg) => arg.endsWith('.js'));
const [program, ...words] = isPart ? ['npx', 'tap', '--timeout=3600', ...args] : ['npm', 'test', '--', ...args];
const { status } = spawnSync(program, words, {
  cwd: root,
  env: { ...process.env, ROOMKIN_TESTS: 'all', NODE_V8_COVERAGE: counters },
  stdio: 'inherit',
});
printTable(await readCoverage());
rmSync(counters, { recursive: true, force: true });
process.exitCode = status ?? 1;

/** Coverage by path in src/. */
async function readCoverage() {
  const report = Report({
    tempDirectory: counters,
    src: [root],
    include: ['.test-build/src/**'],
    exclude: [],
    reporter: [],
    resolve: '',
    mergeAsync: true,
  });
  const map = await report.getCoverageMapFromAllCoverageFiles();
  return new Map(
    map.files().map((file) => [relative(join(root, 'src'), file), map.fileCoverageFor(file).toSummary().data]),
  );
}

function printTable(summary) {
  const folders = new Map();
  const total = { statements: [0, 0], branches: [0, 0] };
  for (const path of readdirSync(join(root, 'src'), { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .sort()) {
    const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : '(top)';
    const counts = folders.get(folder) ?? { statements: [0, 0], branches: [0, 0] };
    const file = summary.get(path) ?? unloaded(path);
    for (const sum of [counts, total]) {
      for (const kind of ['statements', 'branches']) {
        sum[kind][0] += file[kind].covered;
        sum[kind][1] += file[kind].total;
      }
    }
    folders.set(folder, counts);
  }
  console.log(`${'coverage of src/'.padEnd(20)} ${'statements'.padStart(22)} ${'branches'.padStart(22)}`);
  for (const [folder, { statements, branches }] of [...folders, ['total', total]])
    console.log(`${folder.padEnd(20)} ${share(statements)} ${share(branches)}`);
}

/** A file that no test loads. */
function unloaded(path) {
  const lines = readFileSync(join(root, 'src', path), 'utf8').split('\n').length - 1;
  return { statements: { covered: 0, total: lines }, branches: { covered: 0, total: 1 } };
}

function share([covered, all]) {
  const percent = all === 0 ? '-' : `${((100 * covered) / all).toFixed(1)} %`;
  return `${percent} (${covered} of ${all})`.padStart(22);
}
