// Mutation check of the code that decides: src/recognition, src/presence and src/gallery. Every operator, condition and limit is
// changed in turn, and some test must fail for each change. A survivor is either killed by a new test or explained in
// test/mutation.json. Ends with 0 if each survivor is explained, with 1 otherwise.
//
//   npm run test:mutation [-- --only PATH] [--tests PATH] [--slowest MS] [--jobs N] [--list]
//
// --only: mutants of the source files whose path begins with PATH. --tests: only test files whose path begins with PATH.
// --slowest: slower tests are left out, because each surviving mutant would wait for them.
//
// All mutants are compiled into one copy of the tests and chosen by number (mutant schemata: Untch, Offutt, Harrold 1993). A first
// run records which mutants each test reaches. A mutant then costs a thread that runs these tests, quick ones first, up to the
// first failure.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = join(root, '.test-build');
const work = mkdtempSync(join(root, '.test-build-mutants-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
const thread = new URL('./test-mutation-thread.js', import.meta.url);
const explainedPath = join(root, 'test', 'mutation.json');
const folders = ['recognition', 'presence', 'gallery'];
/** Folders with tests of these folders. */
const testFolders = [...folders, 'room', 'journal'];
/** Tests of a file up to this time run before the slower ones. */
const quickTestMs = 50;
const baselineLimitMs = 120_000;
const progressEveryMs = 20_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    tests: { type: 'string', default: '' },
    slowest: { type: 'string', default: '500' },
    jobs: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});
const jobs = Number(values.jobs ?? availableParallelism());
const slowestTestMs = Number(values.slowest);

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

/** Name of the innermost named function or variable around `node`; empty at the top of a file. */
function functionOf(node) {
  for (let outer = node.parent; outer !== undefined; outer = outer.parent) {
    const isNamed = ts.isFunctionDeclaration(outer) || ts.isMethodDeclaration(outer) || ts.isGetAccessor(outer);
    const isVariable = ts.isVariableDeclaration(outer) && ts.isIdentifier(outer.name);
    const holdsFunction = isVariable && outer.initializer !== undefined && ts.isArrowFunction(outer.initializer);
    const isTopLevel = isVariable && ts.isSourceFile(outer.parent.parent.parent);
    if (isNamed || holdsFunction || isTopLevel) return outer.name.getText();
  }
  return '';
}

/** The mutants of one source file, and its code with all of them. `next` is the first free number. */
function mutate(path, next) {
  const text = readFileSync(join(root, path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const mutants = [];
  const add = (node, replacement) => {
    const id = next + mutants.length;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    const oneLine = (code) => code.replaceAll(/\s+/g, ' ');
    const key = {
      file: path,
      function: functionOf(node),
      original: oneLine(node.getText()),
      replacement: oneLine(replacement),
    };
    mutants.push({ id, line: line + 1, key });
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
    if (ts.isTypeNode(node)) return node.getText();
    const isBinary = ts.isBinaryExpression(node) && swapped.has(node.operatorToken.kind);
    if (isBinary && !(node.operatorToken.kind === ts.SyntaxKind.PlusToken && isText(node))) {
      const operator = swapped.get(node.operatorToken.kind);
      const id = add(node, `${node.left.getText()} ${operator} ${node.right.getText()}`);
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
  const statements = source.statements.map((statement) => print(statement));
  const code = `import { __mutant } from '${pathToFileURL(join(work, 'mutant.js'))}';\n${statements.join('\n')}`;
  const { target, verbatimModuleSyntax } = { target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true };
  const compilerOptions = { target, verbatimModuleSyntax, module: ts.ModuleKind.ESNext };
  return { mutants, code: ts.transpileModule(code, { compilerOptions }).outputText };
}

/** Prepares the copy of the tests. Returns the mutants. */
function prepare() {
  if (!existsSync(built)) throw new Error('compile the tests first: npx tsc -p tsconfig.test.json');
  cpSync(built, work, { recursive: true });
  writeFileSync(
    join(work, 'mutant.js'),
    `import { workerData } from 'node:worker_threads';
const active = workerData?.mutant ?? -1;
const reached = workerData?.records === true ? (globalThis.reachedMutants = new Set()) : null;
export const __mutant = reached === null ? (id) => id === active : (id) => reached.add(id) === null;
`,
  );
  const all = [];
  for (const folder of folders) {
    for (const name of readdirSync(join(root, 'src', folder)).filter((file) => file.endsWith('.ts'))) {
      const path = `src/${folder}/${name}`;
      const { mutants, code } = mutate(path, all.length);
      all.push(...mutants);
      writeFileSync(join(work, path.replace(/\.ts$/, '.js')), code);
    }
  }
  return all;
}

/**
 * Runs the tests `only` (indices; null: all) of one test file with a mutant (null: none) until one fails. Resolves to the result of
 * the thread, to `{ failed: null }` where it did not get so far, as after the time limit.
 */
function run(file, { mutant = null, only = null, records = false, limitMs }) {
  return new Promise((resolve) => {
    const worker = new Worker(thread, {
      workerData: { file, mutant: mutant?.id ?? -1, only, records },
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
      stdout: true,
      stderr: true,
    });
    let result = { failed: null };
    const timer = setTimeout(() => worker.terminate(), limitMs);
    worker.on('message', (message) => {
      result = message;
      void worker.terminate();
    });
    worker.on('error', () => {});
    worker.on('exit', () => {
      clearTimeout(timer);
      resolve(result);
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

/** The test files with the time of each test and the mutants that it reaches. */
async function baseline() {
  const files = testFolders.flatMap((folder) => {
    const directory = join(work, 'test', folder);
    return readdirSync(directory)
      .filter((file) => file.endsWith('.test.js') && `test/${folder}/${file}`.startsWith(values.tests))
      .map((file) => join(directory, file));
  });
  const measured = [];
  await inParallel(files, async (path) => {
    const file = pathToFileURL(path).href;
    const name = relative(work, path).replace(/\.js$/, '.ts');
    const code = readFileSync(path, 'utf8');
    writeFileSync(path, code.replace(/ from 'tap';/, ` from '${thread.href}';`));
    const { failed, tests, loadMs } = await run(file, { records: true, limitMs: baselineLimitMs });
    if (failed !== undefined) throw new Error(`${name} fails without a mutant: ${failed ?? 'it did not end'}`);
    for (const test of tests.filter(({ tookMs }) => tookMs > slowestTestMs))
      console.error(`left out, takes ${(test.tookMs / 1000).toFixed(1)} s: ${name}: ${test.name}`);
    measured.push({ file, name, tests, loadMs });
  });
  return measured;
}

/** For one mutant, the tests to run of each file that reaches it; quick ones first. */
function testsThatReach({ id }, measured) {
  const [quick, slow] = [({ tookMs }) => tookMs <= quickTestMs, ({ tookMs }) => tookMs > quickTestMs];
  return measured
    .flatMap((testFile) => [quick, slow].map((hasTime) => ({ testFile, hasTime })))
    .map(({ testFile, hasTime }) => {
      const inTime = testFile.tests.filter(({ tookMs }) => tookMs <= slowestTestMs);
      const reaching = inTime.filter((test) => test.reached.has(id) && hasTime(test));
      const only = reaching.map(({ index }) => index);
      return { testFile, only, costMs: testFile.loadMs + reaching.reduce((sum, { tookMs }) => sum + tookMs, 0) };
    })
    .filter(({ only }) => only.length > 0)
    .sort((a, b) => a.costMs - b.costMs);
}

const passing = new Map();
/** Whether these tests of a file pass alone and without a mutant: tests may share state with those before them. */
function passesWithoutMutant(file, only) {
  const key = `${file} ${only}`;
  if (!passing.has(key))
    passing.set(
      key,
      run(file, { only, limitMs: baselineLimitMs }).then(({ failed }) => failed === undefined),
    );
  return passing.get(key);
}

/** Whether some test fails with the mutant, or runs far longer than without it. */
async function isKilled(mutant, measured) {
  for (const { testFile, only, costMs } of testsThatReach(mutant, measured)) {
    const { file, tests } = testFile;
    const limitMs = 5 * costMs + 3000;
    const { failed, at } = await run(file, { mutant, only, limitMs });
    if (failed === undefined) continue;
    const before = only.filter((index) => index <= at);
    if (failed === null || before.length === at + 1 || (await passesWithoutMutant(file, before))) return true;
    const allBefore = tests.map(({ index }) => index).slice(0, at + 1);
    if ((await run(file, { mutant, only: allBefore, limitMs: baselineLimitMs })).failed !== undefined) return true;
  }
  return false;
}

const isSelected = ({ file }) => values.only === undefined || file.startsWith(values.only);
const mutants = prepare().filter(({ key }) => isSelected(key));
if (values.list) {
  for (const { key } of mutants) console.log(JSON.stringify(key));
  process.exit(0);
}
const startMs = performance.now();
const measured = mutants.length > 0 ? await baseline() : [];
console.error(
  `${mutants.length} mutants; ${measured.length} test files run once in ${seconds(performance.now() - startMs)}`,
);

// An explanation counts for one survivor. Line numbers are not part of it, so it stays valid when lines move.
const unused = (existsSync(explainedPath) ? JSON.parse(readFileSync(explainedPath, 'utf8')) : []).filter(isSelected);
const survivors = [];
const open = [];
function addSurvivor({ line, key }) {
  survivors.push(key);
  const index = unused.findIndex((entry) => Object.keys(key).every((name) => entry[name] === key[name]));
  if (index >= 0) return unused.splice(index, 1);
  open.push(key);
  console.log(`SURVIVED ${key.file}:${line}\n  ${JSON.stringify({ ...key, why: '' })}`);
}

const mutationStartMs = performance.now();
let done = 0;
let reportedMs = mutationStartMs;
await inParallel(mutants, async (mutant) => {
  if (!(await isKilled(mutant, measured))) addSurvivor(mutant);
  done += 1;
  const nowMs = performance.now();
  if (nowMs - reportedMs < progressEveryMs) return;
  reportedMs = nowMs;
  const leftMs = ((nowMs - mutationStartMs) / done) * (mutants.length - done);
  console.error(`${done} of ${mutants.length} mutants, ${survivors.length} survive, about ${seconds(leftMs)} left`);
});
for (const { why: _, ...key } of unused)
  console.log(`STALE EXPLANATION, no such mutant survives: ${JSON.stringify(key)}`);
const keys = mutants.map(({ key }) => key);
for (const folder of [...folders, '']) {
  const isIn = ({ file }) => file.startsWith(`src/${folder}`);
  const [all, surviving, unexplained] = [keys, survivors, open].map((list) => list.filter(isIn).length);
  const killed = `${all - surviving} killed (${((100 * (all - surviving)) / all).toFixed(1)} %)`;
  if (all > 0)
    console.log(
      `${`src/${folder}`.padEnd(16)} ${all} mutants: ${killed}, ${surviving - unexplained} explained, ${unexplained} open`,
    );
}
console.log(`took ${seconds(performance.now() - startMs)}`);
process.exitCode = open.length > 0 ? 1 : 0;

function seconds(ms) {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
