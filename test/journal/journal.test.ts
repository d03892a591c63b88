// The journal of the daemon on a real disk. Only the clock is simulated.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { createJournal, type Journal, type JournalOptions } from '../../src/journal/journal.js';
import { openJournalStore } from '../../src/journal/store.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { openTestStore, temporaryFolder } from '../sharing/household.js';
import { madeUpEntry } from './made-up-observations.js';

const dayMs = 86_400_000;

interface Installation {
  readonly directory: string;
  readonly people: Set<string>;
  readonly messages: string[];
  readonly clock: { now: number; monotonicMs(): number; wallMs(): number };
  /** Starts another daemon with the same store. */
  start(over?: Partial<JournalOptions>): Journal;
  /** The ids of the entries on the disk. */
  stored(): readonly number[];
}

function createInstallation(t: { teardown(work: () => void): void }): Installation {
  const directory = temporaryFolder();
  t.teardown(() => {
    chmodSync(directory, 0o700);
    rmSync(directory, { recursive: true });
  });
  openTestStore(directory).close();
  const people = new Set(['ada', 'ben']);
  const messages: string[] = [];
  const clock = { now: 1000, monotonicMs: () => clock.now, wallMs: () => 1e12 + clock.now };
  const options = { directory, keyFile: join(directory, 'key'), wallMs: () => clock.wallMs() };
  return {
    ...{ directory, people, messages, clock },
    start: (over = {}) =>
      createJournal({
        open: () => openJournalStore({ ...options, onDamage: (sentence) => messages.push(sentence) }),
        retentionMs: dayMs,
        space: 'test-space',
        people: () => new Set(people),
        clock,
        log: (level, message) => messages.push(`${level}: ${message}`),
        ...over,
      }),
    stored() {
      using store = openJournalStore(options);
      store.prune(clock.wallMs() - dayMs);
      return [...store.since(0)].map(({ id }) => id);
    },
  };
}

/** Records `frames` frames at 10 per second, each with one face. */
function observe(
  { clock }: Installation,
  journal: Journal,
  frames: number,
  over: Partial<DecidedObservation> = {},
): void {
  for (let i = 0; i < frames; i++) {
    clock.now += 100;
    const { run: _, space: __, nth: ___, skipped: ____, wallMs: _____, ...observation } = madeUpEntry();
    journal.record([{ ...observation, ...over, atMs: clock.now }], clock.now);
  }
}

const ids = (entries: readonly { readonly id: number }[]): number[] => entries.map(({ id }) => id);

const bensOwn = { kind: 'match', best: 'ben', similarity: 0.7, needed: 0.58, margin: null } as const;

t.test('entries are written in batches, read with the pending ones, and survive a restart', async (t) => {
  const installation = createInstallation(t);
  {
    using journal = installation.start();
    observe(installation, journal, 5);
    t.strictSame(installation.stored(), [], 'nothing is written for a single entry');
    t.strictSame(ids(journal.recent(3)), [3, 4, 5], 'pending entries are returned with their ids on disk');
    t.strictSame(installation.stored(), [1, 2, 3, 4, 5]);
    t.match(journal.recent(1), [{ wallMs: 1e12 + 1500, atMs: 1500, nth: 5, space: 'test-space', person: 'ada' }]);
    t.equal(journal.find(2)?.nth, 2);
    t.equal(journal.find(99), null);
    observe(installation, journal, 34);
  }
  t.equal(installation.stored().length, 5 + 5 + 2 + 0, 'sampled, with the last observation of the track');
  using second = installation.start();
  observe(installation, second, 1);
  const runs = second.recent(2).map(({ run }) => run);
  t.equal(new Set(runs).size, 2, 'the two runs have different ids');
  t.strictSame(installation.messages, []);
});

t.test('entries older than a day are erased', async (t) => {
  const installation = createInstallation(t);
  using journal = installation.start();
  observe(installation, journal, 10);
  journal.flush();
  installation.clock.now += dayMs + 600_000;
  observe(installation, journal, 1);
  t.strictSame(ids(journal.recent(100)), [11]);
  t.strictSame(installation.stored(), [11]);
});

t.test('entries about a forgotten person are erased and no longer written', async (t) => {
  const installation = createInstallation(t);
  using journal = installation.start();
  observe(installation, journal, 3);
  observe(installation, journal, 2, { person: 'ben', best: 'ben', runnerUp: null, reason: bensOwn });
  journal.flush();
  observe(installation, journal, 3);
  installation.people.delete('ada');
  t.strictSame(
    journal.recent(10).map(({ person }) => person),
    ['ben', 'ben'],
  );
  t.equal(installation.stored().length, 2);
  observe(installation, journal, 3, {
    reason: { kind: 'person-changed', before: 'ada' },
    person: null,
    best: 'ben',
    runnerUp: null,
  });
  journal.flush();
  t.equal(installation.stored().length, 2, 'entries whose reason mentions her are not written');
  installation.people.add('ada');
  observe(installation, journal, 1, { track: 2 });
  journal.flush();
  t.equal(installation.stored().length, 3, 'they are written once she is enrolled again');
});

t.test('skipped observations of a forgotten person are dropped', async (t) => {
  const installation = createInstallation(t);
  using journal = installation.start();
  observe(installation, journal, 38);
  journal.flush();
  installation.people.delete('ada');
  journal.flush();
  observe(installation, journal, 5, { person: 'ben', best: 'ben', runnerUp: null, reason: bensOwn });
  const [first] = journal.recent(5);
  t.match(first, { person: 'ben', nth: 39, skipped: null });
});

t.test('in memory only: nothing is written, and the last 200 entries are available', async (t) => {
  const installation = createInstallation(t);
  using journal = installation.start({ open: null, retentionMs: 0 });
  for (let track = 1; track <= 24; track++) observe(installation, journal, 10, { track });
  const recent = journal.recent(1000);
  t.equal(recent.length, 200);
  t.equal(recent.at(-1)?.id, 240);
  t.equal(journal.find(recent[0]!.id)?.id, recent[0]!.id);
  installation.people.delete('ada');
  t.strictSame(journal.recent(10), []);
  t.notOk(existsSync(join(installation.directory, 'looks.sqlite')));
});

t.test('a disk that cannot be opened causes one warning and is retried', async (t) => {
  const installation = createInstallation(t);
  mkdirSync(join(installation.directory, 'looks.sqlite'));
  using journal = installation.start();
  observe(installation, journal, 10);
  const [first] = journal.recent(10);
  t.ok(first!.id > 1_000_000_000, 'ids that no entry on disk will have');
  installation.clock.now += 61_000;
  observe(installation, journal, 10, { track: 2 });
  t.equal(journal.recent(100).length, 20);
  t.equal(installation.messages.length, 1);
  t.match(installation.messages, [/^warning: the journal is in memory only: .*looks\.sqlite/]);
  rmSync(join(installation.directory, 'looks.sqlite'), { recursive: true });
  installation.clock.now += 61_000;
  t.equal(journal.recent(100).length, 20);
  t.equal(installation.stored().length, 20, 'the entries in memory are written once the disk works');
  t.match(installation.messages[1], /^notice: .*on disk again/);
});

t.test('a file that is damaged while the daemon runs is replaced', async (t) => {
  const installation = createInstallation(t);
  using journal = installation.start();
  for (let track = 1; track <= 40; track++) observe(installation, journal, 20, { track });
  journal.flush();
  const path = join(installation.directory, 'looks.sqlite');
  const other = new Database(path);
  other.pragma('wal_checkpoint(TRUNCATE)');
  other.close();
  writeFileSync(path, readFileSync(path).fill(0x5a, 4096));
  for (let track = 41; track <= 50; track++) {
    observe(installation, journal, 20, { track });
    t.doesNotThrow(() => journal.recent(10));
  }
  installation.clock.now += 61_000;
  observe(installation, journal, 5, { track: 99 });
  t.equal(journal.recent(5).length, 5);
  t.ok(installation.stored().length > 0);
  t.equal(installation.messages.filter((line) => /^warning: the journal is in memory/.test(line)).length, 1);
  t.ok(installation.messages.some((line) => /was damaged and was replaced/.test(line)));
  t.notOk(
    readdirSync(installation.directory).some((name) => /damaged|old|bak/.test(name)),
    'no copy of it is left',
  );
});

t.test('a person forgotten by another room is erased at once, also from pending entries', (t) => {
  const installation = createInstallation(t);
  using journal = installation.start();
  observe(installation, journal, 3);
  journal.flush();
  t.equal(installation.stored().length, 3);
  observe(installation, journal, 2);
  journal.forget('ada');
  t.strictSame(installation.stored(), []);
  observe(installation, journal, 1, { person: 'ben', best: 'ben', runnerUp: null, reason: bensOwn });
  installation.people.delete('ada');
  journal.flush();
  t.equal(installation.stored().length, 1, 'only her entries were erased');
  t.end();
});

t.test('an observation is found by its track and time, also where sampling would have skipped it', async (t) => {
  const installation = createInstallation(t);
  using journal = installation.start();
  observe(installation, journal, 16);
  const skippedMs = installation.clock.now;
  observe(installation, journal, 1);
  t.equal(journal.idOf(1, skippedMs), null, 'it was skipped');
  journal.keep(1, skippedMs);
  const id = journal.idOf(1, skippedMs);
  t.match(journal.find(id!), { atMs: skippedMs, track: 1, nth: 16 });
  observe(installation, journal, 30);
  installation.clock.now += 3_600_000;
  observe(installation, journal, 20);
  t.equal(journal.idOf(1, skippedMs), id, 'an hour later, too');
  t.equal(journal.idOf(2, skippedMs), null);
  using second = installation.start();
  t.equal(second.idOf(1, skippedMs), null, 'a track of another run is another track');
});
