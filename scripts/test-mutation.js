// Mutation check of the code that decides: src/recognition, src/presence and src/gallery. Every operator, condition and limit is
// changed in turn, and some test must fail for each change. A survivor is either killed by a new test or explained in
// test/mutation.json.
//
//   npm run test:mutation [-- --only PATH] [--jobs N] [--list]
//
// All mutants are compiled into one copy of the tests at once and chosen by an environment variable, so that a mutant costs one
// start of the test files that reach it. Method: mutant schemata (Untch, Offutt, Harrold 1993).
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = join(root, '.test-build');
const work = join(root, '.test-build-mutants');
const folders = ['recognition', 'presence', 'gallery'];
/** Folders with tests of these folders; slower test files are left out. */
const testFolders = [...folders, 'room', 'journal'];
const slowestMs = 15_000;

const { values } = parseArgs({
  options: { only: { type: 'string' }, jobs: { type: 'string' }, list: { type: 'boolean', default: false } },
});
const jobs = Number(values.jobs ?? availableParallelism());
const explainedPath = join(root, 'test', 'mutation.json');

const swapped = new Map([
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
  [ts.SyntaxKind.AsteriskToken, '/'],
  [ts.SyntaxKind.SlashToken, '*'],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
]);

/** Whether `+` joins texts here. */
function isText(node) {
  return [node.left, node.right].some((side) => ts.isStringLiteral(side) || ts.isTemplateExpression(side));
}

/** The mutants of one compiled file: where they are and what they change. `next` is the first free number. */
function mutate(file, next) {
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const mutants = [];
  const add = (node, replacement) => {
    const id = next + mutants.length;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    mutants.push({ id, file, line: line + 1, original: node.getText().replaceAll(/\s+/g, ' '), replacement });
    return id;
  };
  /** The node's text with the mutants inside it. */
  const printChildren = (node) => {
    let output = '';
    let end = node.getStart();
    ts.forEachChild(node, (child) => {
      output += text.slice(end, child.getStart()) + print(child);
      end = child.end;
    });
    return output + text.slice(end, node.end);
  };
  const print = (node) => {
    const isBinary = ts.isBinaryExpression(node) && swapped.has(node.operatorToken.kind);
    if (isBinary && !(node.operatorToken.kind === ts.SyntaxKind.PlusToken && isText(node))) {
      const operator = swapped.get(node.operatorToken.kind);
      const id = add(node, `${node.left.getText()} ${operator} ${node.right.getText()}`.replaceAll(/\s+/g, ' '));
      const [left, right] = [print(node.left), print(node.right)];
      return `(__mutant(${id}) ? (${left} ${operator} ${right}) : (${left} ${node.operatorToken.getText()} ${right}))`;
    }
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      const id = add(node, node.operand.getText());
      return `(__mutant(${id}) !== (${printChildren(node)}))`;
    }
    if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword)
      return `(__mutant(${add(node, String(node.kind !== ts.SyntaxKind.TrueKeyword))}) !== ${node.getText()})`;
    if (ts.isPropertyAccessExpression(node) && /^Math\.(min|max)$/.test(node.getText())) {
      const other = node.name.text === 'min' ? 'Math.max' : 'Math.min';
      return `(__mutant(${add(node, other)}) ? ${other} : ${node.getText()})`;
    }
    return printChildren(node);
  };
  const statements = source.statements.map(
    (statement) => text.slice(statement.getFullStart(), statement.getStart()) + print(statement),
  );
  const relativePath = relative(dirname(file), join(work, 'mutant.js'));
  const importPath = relativePath.startsWith('.') ? relativePath : `./${relativePath}`;
  return { mutants, code: `import { __mutant } from '${importPath}';\n${statements.join('')}` };
}

/** Prepares the copy of the tests. Returns the mutants. */
function prepare() {
  if (!existsSync(built)) throw new Error('compile the tests first: npx tsc -p tsconfig.test.json');
  rmSync(work, { recursive: true, force: true });
  cpSync(built, work, { recursive: true });
  mkdirSync(join(work, 'reached'));
  writeFileSync(
    join(work, 'mutant.js'),
    `import { appendFileSync } from 'node:fs';
const active = Number(process.env.ROOMKIN_MUTANT ?? -1);
const log = process.env.ROOMKIN_REACHED;
const reached = new Set();
export function __mutant(id) {
  if (log) reached.add(id);
  return id === active;
}
if (log) process.on('exit', () => appendFileSync(log, [...reached].join('\\n') + '\\n'));
`,
  );
  const all = [];
  for (const folder of folders) {
    const directory = join(work, 'src', folder);
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.js'))) {
      const file = join(directory, name);
      const { mutants, code } = mutate(file, all.length);
      all.push(...mutants);
      writeFileSync(file, code);
    }
  }
  return all;
}

/** Runs one test file. Resolves to whether it passed. */
function run(file, environment, timeoutMs) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], {
      cwd: root,
      env: { ...process.env, TAP_BAIL: '1', ROOMKIN_SEQUENCES: '20', ...environment },
      stdio: 'ignore',
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

/** Calls `task` for every item, `jobs` at a time. */
async function inParallel(items, task) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

/** The test files with the time they take and the mutants that they reach; quick ones first. */
async function baseline() {
  const files = testFolders.flatMap((folder) => {
    const directory = join(work, 'test', folder);
    return readdirSync(directory)
      .filter((file) => file.endsWith('.test.js'))
      .map((file) => join(directory, file));
  });
  const tests = [];
  await inParallel(files, async (file) => {
    const log = join(work, 'reached', `${tests.length}-${relative(work, file).replaceAll('/', '-')}`);
    const start = performance.now();
    const passed = await run(file, { ROOMKIN_REACHED: log }, 4 * slowestMs);
    const tookMs = performance.now() - start;
    if (tookMs > slowestMs) return console.log(`left out, slower than ${slowestMs / 1000} s: ${relative(work, file)}`);
    if (!passed) throw new Error(`${relative(work, file)} fails without a mutant`);
    const reached = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean).map(Number) : [];
    tests.push({ file, tookMs, reached: new Set(reached) });
  });
  return tests.sort((a, b) => a.tookMs - b.tookMs);
}

function nameOf({ file, original, replacement }) {
  return { file: relative(work, file).replace(/\.js$/, '.ts'), original, replacement };
}

const mutants = prepare().filter(
  ({ file }) => !values.only || relative(work, file).startsWith(values.only.replace(/\.ts$/, '.js')),
);
if (values.list) {
  for (const mutant of mutants) console.log(JSON.stringify(nameOf(mutant)));
  process.exit(0);
}
const tests = await baseline();
const explained = existsSync(explainedPath) ? JSON.parse(readFileSync(explainedPath, 'utf8')) : [];
const survivors = [];
let done = 0;
await inParallel(mutants, async (mutant) => {
  let killed = false;
  for (const test of tests) {
    if (killed || !test.reached.has(mutant.id)) continue;
    killed = !(await run(test.file, { ROOMKIN_MUTANT: String(mutant.id) }, 5 * test.tookMs + 5000));
  }
  if (!killed) survivors.push(mutant);
  done += 1;
  if (done % 20 === 0) console.error(`${done} of ${mutants.length} mutants, ${survivors.length} survive`);
});
const isExplained = (mutant) => {
  const { file, original, replacement } = nameOf(mutant);
  return explained.some(
    (entry) => entry.file === file && entry.original === original && entry.replacement === replacement,
  );
};
const open = survivors.filter((mutant) => !isExplained(mutant)).sort((a, b) => a.id - b.id);
for (const mutant of open) console.log(`SURVIVED ${JSON.stringify({ ...nameOf(mutant), why: '' })}`);
const killedCount = mutants.length - survivors.length;
console.log(
  `${mutants.length} mutants: ${killedCount} killed (${((100 * killedCount) / mutants.length).toFixed(1)} %), ` +
    `${survivors.length - open.length} explained, ${open.length} open`,
);
rmSync(work, { recursive: true, force: true });
process.exitCode = open.length > 0 ? 1 : 0;
