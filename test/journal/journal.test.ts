// What the daemon keeps of the faces it sees, on a real disk; only the clock is moved by hand.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { createJournal, type Journal, type JournalOptions } from '../../src/journal/journal.js';
import { openJournalStore } from '../../src/journal/store.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { openTestStore, temporaryFolder } from '../sharing/household.js';
import { madeUpLook } from './made-up-observations.js';

const dayMs = 86_400_000;

interface Place {
  readonly directory: string;
  readonly people: Set<string>;
  readonly said: string[];
  readonly clock: { now: number; monotonicMs(): number; wallMs(): number };
  /** Another daemon in the same place. */
  start(over?: Partial<JournalOptions>): Journal;
  /** What lies on the disk. */
  stored(): readonly number[];
}

function place(t: { teardown(work: () => void): void }): Place {
  const directory = temporaryFolder();
  t.teardown(() => {
    chmodSync(directory, 0o700);
    rmSync(directory, { recursive: true });
  });
  openTestStore(directory).close();
  const people = new Set(['ada', 'ben']);
  const said: string[] = [];
  const clock = { now: 1000, monotonicMs: () => clock.now, wallMs: () => 1e12 + clock.now };
  const store = { directory, keyFile: join(directory, 'key'), wallMs: () => clock.wallMs() };
  return {
    ...{ directory, people, said, clock },
    start: (over = {}) =>
      createJournal({
        open: () => openJournalStore({ ...store, onDamage: (sentence) => said.push(sentence) }),
        keptMs: dayMs,
        space: 'test-space',
        people: () => new Set(people),
        clock,
        log: (level, message) => said.push(`${level}: ${message}`),
        ...over,
      }),
    stored() {
      using looks = openJournalStore(store);
      return [...looks.since(0)].map(({ id }) => id);
    },
  };
}

/** So many frames at 10 a second, each with the face given. */
function see({ clock }: Place, log: Journal, frames: number, over: Partial<DecidedObservation> = {}): void {
  for (let i = 0; i < frames; i++) {
    clock.now += 100;
    const { run: _, space: __, nth: ___, skipped: ____, wallMs: _____, ...look } = madeUpLook();
    log.take([{ ...look, ...over, atMs: clock.now }], clock.now);
  }
}

const ids = (looks: readonly { readonly id: number }[]): number[] => looks.map(({ id }) => id);

const bensOwn = { kind: 'match', best: 'ben', similarity: 0.7, needed: 0.58, margin: null } as const;

t.test('looks are written together, read with what waits, and outlive the daemon', async (t) => {
  const p = place(t);
  {
    using log = p.start();
    see(p, log, 5);
    t.strictSame(p.stored(), [], 'not each for itself');
    t.strictSame(ids(log.recent(3)), [3, 4, 5], 'who asks is told what waits, under the numbers it has on disk');
    t.strictSame(p.stored(), [1, 2, 3, 4, 5]);
    t.match(log.recent(1), [{ wallMs: 1e12 + 1500, atMs: 1500, nth: 5, space: 'test-space', person: 'ada' }]);
    t.equal(log.find(2)?.nth, 2);
    t.equal(log.find(99), null);
    see(p, log, 34);
  }
  t.equal(p.stored().length, 5 + 25 + 1, 'thinned, with the last look of the track');
  using second = p.start();
  see(p, second, 1);
  const runs = second.recent(2).map(({ run }) => run);
  t.equal(new Set(runs).size, 2, 'tracks of two runs are told apart');
  t.strictSame(p.said, []);
});

t.test('what is a day old is gone', async (t) => {
  const p = place(t);
  using log = p.start();
  see(p, log, 10);
  log.flush();
  p.clock.now += dayMs + 600_000;
  see(p, log, 1);
  t.strictSame(ids(log.recent(100)), [11]);
  t.strictSame(p.stored(), [11]);
});

t.test('who is forgotten is neither written nor left', async (t) => {
  const p = place(t);
  using log = p.start();
  see(p, log, 3);
  see(p, log, 2, { person: 'ben', best: 'ben', runnerUp: null, reason: bensOwn });
  log.flush();
  see(p, log, 3);
  p.people.delete('ada');
  t.strictSame(
    log.recent(10).map(({ person }) => person),
    ['ben', 'ben'],
  );
  t.equal(p.stored().length, 2);
  see(p, log, 3, { reason: { kind: 'person-changed', before: 'ada' }, person: null, best: 'ben', runnerUp: null });
  log.flush();
  t.equal(p.stored().length, 2, 'nor what her track still says');
  p.people.add('ada');
  see(p, log, 1);
  log.flush();
  t.equal(p.stored().length, 3, 'until she is enrolled again');
});

t.test('what was left out in between does not bring them back', async (t) => {
  const p = place(t);
  using log = p.start();
  see(p, log, 38);
  log.flush();
  p.people.delete('ada');
  log.flush();
  see(p, log, 5, { person: 'ben', best: 'ben', runnerUp: null, reason: bensOwn });
  const [first] = log.recent(5);
  t.match(first, { person: 'ben', nth: 39, skipped: null });
});

t.test('in memory only: nothing is written, and the last 200 are there', async (t) => {
  const p = place(t);
  using log = p.start({ open: null, keptMs: 0 });
  for (let track = 1; track <= 12; track++) see(p, log, 20, { track });
  const recent = log.recent(1000);
  t.equal(recent.length, 200);
  t.equal(recent.at(-1)?.id, 240);
  t.equal(log.find(recent[0]!.id)?.id, recent[0]!.id);
  p.people.delete('ada');
  t.strictSame(log.recent(10), []);
  t.notOk(existsSync(join(p.directory, 'looks.sqlite')));
});

t.test('a disk that cannot be opened costs one warning, and is tried again', async (t) => {
  const p = place(t);
  mkdirSync(join(p.directory, 'looks.sqlite'));
  using log = p.start();
  see(p, log, 10);
  const [first] = log.recent(10);
  t.ok(first!.id > 1_000_000_000, 'numbers that no look on disk will have');
  p.clock.now += 61_000;
  see(p, log, 10, { track: 2 });
  t.equal(log.recent(100).length, 20);
  t.equal(p.said.length, 1);
  t.match(p.said, [/^warning: faces are explained from memory only: .*looks\.sqlite/]);
  rmSync(join(p.directory, 'looks.sqlite'), { recursive: true });
  p.clock.now += 61_000;
  t.equal(log.recent(100).length, 20);
  t.equal(p.stored().length, 20, 'what was in memory is written as soon as it can be');
  t.match(p.said[1], /^notice: .*on disk again/);
});

t.test('a file that is damaged while the daemon runs is started afresh', async (t) => {
  const p = place(t);
  using log = p.start();
  for (let track = 1; track <= 40; track++) see(p, log, 20, { track });
  log.flush();
  const path = join(p.directory, 'looks.sqlite');
  const other = new Database(path);
  other.pragma('wal_checkpoint(TRUNCATE)');
  other.close();
  writeFileSync(path, readFileSync(path).fill(0x5a, 4096));
  for (let track = 41; track <= 50; track++) {
    see(p, log, 20, { track });
    t.doesNotThrow(() => log.recent(10));
  }
  p.clock.now += 61_000;
  see(p, log, 5, { track: 99 });
  t.equal(log.recent(5).length, 5);
  t.ok(p.stored().length > 0);
  t.equal(p.said.filter((line) => /^warning: faces are explained from memory/.test(line)).length, 1);
  t.ok(p.said.some((line) => /was damaged and is started afresh/.test(line)));
  t.notOk(
    readdirSync(p.directory).some((name) => /damaged|old|bak/.test(name)),
    'no copy of it is left',
  );
});

t.test('who is forgotten by another room leaves the looks at once, those that wait too', (t) => {
  const p = place(t);
  using log = p.start();
  see(p, log, 3);
  log.flush();
  t.equal(p.stored().length, 3);
  see(p, log, 2);
  log.forget('ada');
  t.strictSame(p.stored(), []);
  see(p, log, 1, { person: 'ben', best: 'ben', runnerUp: null, reason: bensOwn });
  p.people.delete('ada');
  log.flush();
  t.equal(p.stored().length, 1, 'and only hers went');
  t.end();
});
