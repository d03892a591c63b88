// Reports over a real socket: their progress, their errors, their limits, and the end of a client that leaves.
import { request } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { fail } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { askReport } from '../../src/control/ask-report.js';
import { daemonHandlers, type HandlerParts } from '../../src/control/handlers.js';
import { type ControlHandlers, startControl } from '../../src/control/server.js';
import type { ReportAnswer } from '../../src/reports/reports.js';
import { shortFolder } from '../helpers/short-folder.js';

const shares: ReportAnswer<'household'> = {
  household: 'home',
  room: 'lab',
  shares: false,
  fingerprint: null,
  people: null,
  forgotten: null,
  enrolled: null,
};

type Tap = { teardown(fn: () => unknown): void };
const { signal } = new AbortController();

async function daemon(t: Tap, report: ControlHandlers['report']) {
  const path = join(shortFolder(t), 'lab.sock');
  const place = { listen: path, connect: [path] };
  const unused = (): never => {
    throw new Error('not used here');
  };
  const handlers = {
    status: unused,
    why: unused,
    pause: unused,
    resume: unused,
    watch: unused,
    live: unused,
    look: unused,
    pictures: unused,
    picture: unused,
    engine: unused,
    analyze: unused,
    report,
  };
  const control = await startControl({ place, log: silentLog, handlers });
  t.teardown(() => control.stop());
  return place;
}

/** The status and the document for a request as curl sends it. */
function plain(socketPath: string, method: string, path: string, body = ''): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    sent.on('error', reject).end(body);
  });
}

t.test('a report comes with its progress, and as one document for who asks for no lines', async (t) => {
  const place = await daemon(t, async (name, given, { progress }) => {
    progress('1000 observations');
    progress('2000 observations');
    return { ...shares, name, given };
  });
  const told: string[] = [];
  const answer = await askReport(place, 'household', {}, { signal, onProgress: (text) => told.push(text) });
  t.match(answer, { ...shares, name: 'household' });
  t.same(told, ['1000 observations', '2000 observations']);
  const { status, body } = await plain(place.listen, 'GET', '/show?name=Ada%20B');
  t.equal(status, 200);
  t.match(JSON.parse(body), { name: 'show', given: { name: 'Ada B' } });
  t.match(JSON.parse((await plain(place.listen, 'POST', '/correct', '{"id":3}')).body), { given: { id: 3 } });
});

t.test('an error keeps its code, before the first progress and after it', async (t) => {
  let early = true;
  const place = await daemon(t, async (_, __, { progress }) => {
    if (!early) progress('almost');
    throw fail('PERSON_UNKNOWN', 'nobody is called X');
  });
  for (early of [true, false])
    await t.rejects(askReport(place, 'show', { name: 'X' }, { signal }), {
      code: 'PERSON_UNKNOWN',
      message: 'nobody is called X',
    });
});

t.test('an answer of another form comes from a daemon of another version', async (t) => {
  const place = await daemon(t, async () => ({ people: 'many' }));
  await t.rejects(askReport(place, 'people', {}, { signal }), {
    code: 'DAEMON_NOT_RUNNING',
    message: /another version/,
  });
});

t.test('who leaves ends the work, and four at once are enough', async (t) => {
  const signals: AbortSignal[] = [];
  const place = await daemon(t, (_, __, work) => {
    signals.push(work.signal);
    return new Promise((_, reject) => {
      work.signal.addEventListener('abort', () => reject(work.signal.reason), { once: true });
    });
  });
  const leave = new AbortController();
  const asked = [1, 2, 3, 4].map(() => askReport(place, 'people', {}, { signal: leave.signal }));
  const ended = Promise.allSettled(asked);
  while (signals.length < 4) await new Promise((resolve) => setTimeout(resolve, 10));
  await t.rejects(askReport(place, 'people', {}, { signal }), { code: 'DAEMON_BUSY' });
  leave.abort();
  for (const { status } of await ended) t.equal(status, 'rejected');
  while (!signals.every(({ aborted }) => aborted)) await new Promise((resolve) => setTimeout(resolve, 10));
  const next = new AbortController();
  const again = askReport(place, 'people', {}, { signal: next.signal });
  while (signals.length < 5) await new Promise((resolve) => setTimeout(resolve, 10));
  next.abort();
  await t.rejects(again, { name: 'AbortError' });
});

t.test('a body that is no JSON, or longer than a MiB, and a method that does not fit are refused', async (t) => {
  let called = 0;
  const place = await daemon(t, async () => {
    called++;
    return {};
  });
  t.match(await plain(place.listen, 'POST', '/correct', '{'), { status: 400, body: /not JSON/ });
  const large = await plain(place.listen, 'POST', '/correct', `"${'x'.repeat(2 << 20)}"`).catch(() => ({
    status: 400,
  }));
  t.equal(large.status, 400);
  t.match(await plain(place.listen, 'GET', '/correct'), { status: 404, body: /REQUEST_UNKNOWN.*POST .*\/correct/ });
  t.match(await plain(place.listen, 'GET', '/constructor'), { status: 404 });
  t.equal(called, 0);
});

t.test('parameters are checked before a report is made', async (t) => {
  const parts = { watchers: new Set(), room: { snapshot: null } } as unknown as HandlerParts;
  const { report } = daemonHandlers({ ...parts, clock: { monotonicMs: () => 0, wallMs: () => 0 } });
  const work = { signal, progress() {} };
  for (const [name, given, pattern] of [
    ['show', {}, /^show: name: /],
    ['replay', { since: 'x' }, /^replay: since: /],
    ['replay', { since: 1e12 }, /^replay: since: /],
    ['correct', { id: -1 }, /^correct: id: /],
    ['correct', null, /^correct: /],
    ['people/disable', { ids: [] }, /^people\/disable: ids: /],
    ['identify', { space: 'x', faces: [{}] }, /^identify: faces\.0\./],
    ['identify', { space: 'x', faces: Array(201).fill({}) }, /^identify: faces/],
  ] as const)
    await t.rejects(
      report(name, given, work),
      { code: 'USAGE', message: pattern },
      `${name} ${JSON.stringify(given)?.slice(0, 40)}`,
    );
});
