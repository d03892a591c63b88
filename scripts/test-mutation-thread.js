// The thread of scripts/test-mutation.js that runs tests of one file in the same process, and the part of tap that they use. It
// stops at the first failure. tap itself takes half a second to load, ten times as long as most tests run.
import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { match, same, strict } from 'tcompare';

// A counterexample need not be small here.
fc.configureGlobal({ endOnFailure: true });

class Failure extends Error {}

function assert(holds, message) {
  if (!holds) throw new Failure(message);
  return true;
}

class Test {
  #teardowns = [];
  #subtests = [];

  test(name, ...rest) {
    const [options, body] = rest.length > 1 ? rest : [{}, rest[0]];
    if (!options.skip) this.#subtests.push({ name, body });
  }
  teardown(body) {
    this.#teardowns.push(body);
  }
  comment() {}
  end() {}
  setTimeout() {}

  ok(value, message) {
    return assert(value, message);
  }
  notOk(value, message) {
    return assert(!value, message);
  }
  equal(value, expected, message) {
    return assert(Object.is(value, expected), message);
  }
  not(value, other, message) {
    return assert(!Object.is(value, other), message);
  }
  same(value, expected, message) {
    return assert(same(value, expected).match, message);
  }
  strictSame(value, expected, message) {
    return assert(strict(value, expected).match, message);
  }
  match(value, pattern, message) {
    return assert(match(value, pattern).match, message);
  }
  notMatch(value, pattern, message) {
    return assert(!match(value, pattern).match, message);
  }
  fail(message) {
    return assert(false, message);
  }
  doesNotThrow(body) {
    body();
  }
  throws(body, expected) {
    let error = null;
    try {
      body();
    } catch (caught) {
      error = caught;
    }
    assert(error !== null, 'nothing was thrown');
    if (typeof expected === 'function') assert(error instanceof expected, 'another class was thrown');
    else if (expected !== undefined) this.match(error, expected);
  }

  /** Runs `body`, then the subtests. */
  async run(body) {
    try {
      await body(this);
      for (const subtest of this.#subtests) await new Test().run(subtest.body);
    } finally {
      for (const teardown of this.#teardowns.reverse()) await teardown();
    }
  }

  get subtests() {
    return this.#subtests;
  }
}

const file = new Test();
// biome-ignore lint/style/noDefaultExport: it stands in for tap, whose default export the tests import.
export default file;

/** Mutants reached since the last call; empty where the thread does not record them. */
function takeReached() {
  const reached = new Set(globalThis.reachedMutants);
  globalThis.reachedMutants?.clear();
  return reached;
}

async function runFile() {
  const { file: path, only } = workerData;
  const startMs = performance.now();
  await import(path);
  const loadMs = performance.now() - startMs;
  const atLoad = takeReached();
  const tests = [];
  for (const [index, { name, body }] of file.subtests.entries()) {
    if (only !== null && !only.includes(index)) continue;
    const testStartMs = performance.now();
    try {
      await new Test().run(body);
    } catch (error) {
      return { failed: `${name}: ${error.message}`, at: index };
    }
    const tookMs = performance.now() - testStartMs;
    tests.push({ index, name, tookMs, reached: new Set([...takeReached(), ...atLoad]) });
  }
  return { tests, loadMs };
}

void runFile()
  .catch((error) => ({ failed: String(error), at: -1 }))
  .then((result) => parentPort?.postMessage(result));
